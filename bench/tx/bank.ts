import { Empty, type Infer, operation, operations } from "../../kernel/contract/index.ts";
import {
  type Database,
  finishingStatement,
  type LocalOperation,
  oneStatement,
  type Performer,
  type TransactionHandle,
} from "../../kernel/index.ts";
import { bankPerformer, Movement } from "../../kernel/testing/bank.ts";

const keys = ({ account }: { readonly account: string }) => [`account:${account}`];

/** Operations of a bank that answer nothing, as reservations mostly do. */
export function benchBank<const N extends string>(name: N) {
  return operations(`bench.tx.v1.${name}`, {
    take: operation(Movement, Empty, { rejects: ["TOO_LITTLE"], undo: true, keys }),
    put: operation(Movement, Empty, { undo: true, keys }),
  });
}

export type BenchBank = ReturnType<typeof benchBank>;

/** How what an operation does is written: as functions that may do anything, or as one statement each. */
export type Form = "functions" | "statements";

type Moved = Infer<typeof Movement>;
type Columns = Partial<Record<"balance" | "frozen" | "coming", bigint>>;

const change =
  (by: Columns) =>
  ({ sql }: TransactionHandle, { account, cents }: Moved) => {
    const { balance = 0n, frozen = 0n, coming = 0n } = by;
    return sql`
      update account set balance = balance + ${String(balance * cents)}::bigint,
        frozen = frozen + ${String(frozen * cents)}::bigint, coming = coming + ${String(coming * cents)}::bigint
      where id = ${account} and balance + ${String(balance * cents)}::bigint >= 0 returning 1`;
  };
const doing = (by: Columns) =>
  oneStatement<Moved, "TOO_LITTLE">({ write: change(by), none: async (_, __, call) => call.reject("TOO_LITTLE") });
const finishing = (by: Columns) => finishingStatement({ write: change(by) });

const take: LocalOperation<BenchBank["operations"]["take"]> = {
  reserve: doing({ balance: -1n, frozen: 1n }),
  confirm: finishing({ frozen: -1n }),
  cancel: finishing({ balance: 1n, frozen: -1n }),
  apply: doing({ balance: -1n }),
  undo: finishing({ balance: 1n }),
};
const put: LocalOperation<BenchBank["operations"]["put"]> = {
  reserve: doing({ coming: 1n }),
  confirm: finishing({ balance: 1n, coming: -1n }),
  cancel: finishing({ coming: -1n }),
  apply: doing({ balance: 1n }),
  undo: finishing({ balance: -1n }),
};

type Erased = Readonly<Record<string, (...given: never[]) => Promise<unknown>>>;

/** What a bank does. In lanes it has no `apply`, for what goes together is reserved and confirmed. */
export function benchPerformer(bank: BenchBank, database: Database, form: Form, lanes: boolean): Performer {
  const { perform } = bankPerformer(bank as never, database);
  const formed = Object.entries({ take, put }).map(([name, own]) => {
    const alone = form === "statements" ? own : asFunctions(own as unknown as Erased);
    if (!lanes) return [name, alone];
    const { reserveMany, confirmMany, cancelMany } = perform[name] as unknown as Required<LocalOperation>;
    const many = { confirmMany, cancelMany, reserveMany: withoutOutput(reserveMany) };
    const { apply: _, ...rest } = alone as Erased;
    return [name, { ...rest, ...many }];
  });
  return { operations: bank, database, perform: Object.fromEntries(formed) };
}

function asFunctions(own: Erased): Erased {
  return Object.fromEntries(Object.entries(own).map(([name, work]) => [name, async (...given) => work(...given)]));
}

function withoutOutput(reserveMany: Required<LocalOperation>["reserveMany"]): typeof reserveMany {
  return async (tx, items, call) => {
    const answers = await reserveMany(tx, items, call);
    return answers.map((answer) => ("output" in answer ? { output: {} } : answer));
  };
}
