import { StatusError } from "../call/status.ts";
import { Empty, type Infer, int64, message, operation, operations, string } from "../contract/index.ts";
import { systemPorts } from "../core/ports.ts";
import type { OpenDatabase } from "../postgres/database.ts";
import { openDatabase } from "../postgres/database.ts";
import { loadDrivers } from "../postgres/drivers.ts";
import { finishingStatement, oneStatement } from "../spi/one-statement.ts";
import type { LocalOperation, Performer, ReserveAnswer, ReserveItem, TransactionHandle } from "../spi/perform.ts";
import type { Database } from "../spi/store.ts";
import type { TestDatabase } from "./postgres-server.ts";
import { testConnections } from "./test-connections.ts";

/** Moves money to or from an account. */
export const Movement = message("test.bank.v1.Movement", { account: string(1), cents: int64(2) });
export const Balance = message("test.bank.v1.Balance", { cents: int64(1) });

const rejects = ["TOO_LITTLE", "NO_ACCOUNT"] as const;
const keys = ({ account }: { readonly account: string }) => [`account:${account}`];
const specs = {
  /** Takes money from an account. */
  take: operation(Movement, Balance, { rejects, undo: true, keys }),
  /** Puts money on an account; it cannot be refused. */
  put: operation(Movement, Empty, { undo: true, keys }),
} as const;

/** Operations of a bank, under a name of its own for each database. */
export function bankOperations<const N extends string>(name: N) {
  return operations(`test.bank.v1.${name}`, specs);
}

export type BankOperations = ReturnType<typeof bankOperations>;

/** What accounts open with, in cents. */
export type Accounts = Readonly<Record<string, bigint>>;

/** Makes what is not there of the accounts of a bank, also when several processes do so at once. */
export async function createAccounts({ sql }: Database, accounts: Accounts): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(42)`;
    await tx`create table if not exists account (
      id text primary key, balance bigint not null check (balance >= 0),
      frozen bigint not null default 0 check (frozen >= 0), coming bigint not null default 0 check (coming >= 0))`;
    for (const [id, balance] of Object.entries(accounts))
      await tx`insert into account (id, balance) values (${id}, ${balance}) on conflict do nothing`;
  });
}

/** A database with accounts. `balance`, `frozen` and `coming` of all of them together never change by a transaction. */
export async function bankDatabase(test: TestDatabase, accounts: Accounts): Promise<OpenDatabase> {
  const open = openDatabase(test.name, test.address, testConnections, await loadDrivers(), systemPorts);
  await createAccounts(open.database, accounts);
  return open;
}

/** The bank's own code: what it sets aside is in `frozen` and `coming`. */
export function bankPerformer(operations: BankOperations, database: Database): Performer {
  type Take = BankOperations["operations"]["take"];
  type Put = BankOperations["operations"]["put"];
  const change = async (tx: TransactionHandle, account: string, by: Columns) => {
    const [row] = await changing(tx, account, by);
    return row?.balance;
  };
  const sure = async (changed: Promise<bigint | undefined>) => {
    if ((await changed) === undefined) throw new StatusError("INTERNAL", "an account that was there is gone");
  };
  const take: LocalOperation<Take> = {
    async reserve(tx, { account, cents }, call) {
      const left = await change(tx, account, { balance: -cents, frozen: cents });
      if (left !== undefined) return { cents: left };
      const [known] = await tx.sql`select 1 from account where id = ${account}`;
      if (known) return call.reject("TOO_LITTLE", `${account} holds less`);
      return call.reject("NO_ACCOUNT", `there is no account ${account}`);
    },
    confirm: (tx, { account, cents }) => sure(change(tx, account, { frozen: -cents })),
    cancel: (tx, { account, cents }) => sure(change(tx, account, { balance: cents, frozen: -cents })),
    undo: (tx, { account, cents }) => sure(change(tx, account, { balance: cents })),
    reserveMany: takeMany,
    confirmMany: (tx, items) => changeMany(tx, items, { frozen: -1n }),
    cancelMany: (tx, items) => changeMany(tx, items, { balance: 1n, frozen: -1n }),
  };
  const finishing = (by: (cents: bigint) => Columns) =>
    finishingStatement<Moved, unknown>({ write: (on, { account, cents }) => changing(on, account, by(cents)) });
  // Of one statement each: what cannot be refused needs no more.
  const put: LocalOperation<Put> = {
    reserve: oneStatement({ write: (on, { account, cents }) => changing(on, account, { coming: cents }) }),
    confirm: finishing((cents) => ({ coming: -cents, balance: cents })),
    cancel: finishing((cents) => ({ coming: -cents })),
    reserveMany: async (tx, items) => {
      await changeMany(tx, items, { coming: 1n });
      return items.map(() => ({ output: {} }));
    },
    confirmMany: (tx, items) => changeMany(tx, items, { coming: -1n, balance: 1n }),
    cancelMany: (tx, items) => changeMany(tx, items, { coming: -1n }),
    undo: finishing((cents) => ({ balance: -cents })),
  };
  return { operations, database, perform: { take, put } as unknown as Performer["perform"] };
}

type Moved = Infer<typeof Movement>;
type Columns = Partial<Record<"balance" | "frozen" | "coming", bigint>>;

function changing({ sql }: TransactionHandle, account: string, { balance = 0n, frozen = 0n, coming = 0n }: Columns) {
  return sql<{ balance: bigint }[]>`
    update account set balance = balance + ${balance}, frozen = frozen + ${frozen},
      coming = coming + ${coming}
    where id = ${account} and balance + ${balance} >= 0 returning balance`;
}

/** Takes in the order they are asked: who finds too little left is refused, and whoever comes after may still be served. */
async function takeMany(
  tx: TransactionHandle,
  items: readonly ReserveItem<Moved>[],
): Promise<ReserveAnswer<Infer<typeof Balance>, (typeof rejects)[number]>[]> {
  const left = await lockAll(tx, items);
  const served: ReserveItem<Moved>[] = [];
  const answers = items.map((item) => {
    const { account, cents } = item.input;
    const before = left.get(account);
    if (before === undefined)
      return { reject: { reason: "NO_ACCOUNT", message: `there is no account ${account}` } } as const;
    if (before < cents) return { reject: { reason: "TOO_LITTLE", message: `${account} holds less` } } as const;
    left.set(account, before - cents);
    served.push(item);
    return { output: { cents: before - cents } };
  });
  if (served.length > 0) await changeMany(tx, served, { balance: -1n, frozen: 1n });
  return answers;
}

/** Locks all accounts in one order, so that no two batches wait for each other. */
async function lockAll(tx: TransactionHandle, items: readonly ReserveItem<Moved>[]): Promise<Map<string, bigint>> {
  const ids = [...new Set(items.map(({ input }) => input.account))];
  const rows = await tx.sql<{ id: string; balance: bigint }[]>`
    select id, balance from account where id = any(${ids}::text[]) order by id for update`;
  return new Map(rows.map(({ id, balance }) => [id, balance]));
}

/** Changes each account by the sum of what is asked of it, times `by`. */
async function changeMany(tx: TransactionHandle, items: readonly ReserveItem<Moved>[], by: Columns): Promise<void> {
  const sums = new Map<string, bigint>();
  for (const { input } of items) sums.set(input.account, (sums.get(input.account) ?? 0n) + input.cents);
  const { balance = 0n, frozen = 0n, coming = 0n } = by;
  const [, changed] = await Promise.all([
    lockAll(tx, items),
    tx.sql`
      update account set balance = balance + ${balance} * by.cents,
        frozen = frozen + ${frozen} * by.cents, coming = coming + ${coming} * by.cents
      from unnest(${[...sums.keys()]}::text[], ${[...sums.values()].map(String)}::bigint[]) as by (id, cents)
      where account.id = by.id returning 1`,
  ]);
  if (changed.length < sums.size) throw new StatusError("INTERNAL", "an account that was there is gone");
}

/** What is on an account. */
export async function accountOf(
  database: Database,
  id: string,
): Promise<{ balance: bigint; frozen: bigint; coming: bigint }> {
  const [row] = await database.sql<{ balance: bigint; frozen: bigint; coming: bigint }[]>`
    select balance, frozen, coming from account where id = ${id}`;
  if (!row) throw new Error(`there is no account ${id}`);
  return row;
}
