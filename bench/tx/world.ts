import { Empty, message, rpc, service, string, transaction } from "../../kernel/contract/index.ts";
import type { Plugin } from "../../kernel/core/plugin.ts";
import {
  type Coordinator,
  coordinator,
  defineService,
  type Initiator,
  initiates,
  type LocalOperation,
  type Performer,
  StatusError,
  type Store,
  store,
} from "../../kernel/index.ts";
import { given, testApp } from "../../kernel/testing/test-app.ts";
import { postgres } from "../../plugins/coordinator/postgres/postgres.ts";
import { type BenchBank, benchBank, benchPerformer, type Form } from "./bank.ts";

/** What a transaction of the measurement is given: an account of every bank. */
const Movements = message("bench.tx.v1.Movements", { account: string(1) });

const banks = [benchBank("First"), benchBank("Second"), benchBank("Third"), benchBank("Fourth")] as const;
const [, second, third, fourth] = banks;
/** The operations of the bank that may refuse. */
const first = banks[0];
const one = ({ account }: { readonly account: string }) => ({ account, cents: 1n });
const droppable = { droppable: true } as const;
const needs = { isolation: "none", reply: "accepted" } as const;

/** Takes at the first bank, which may refuse, and puts into all others, which cannot. */
const overTwo = transaction("overTwo", {
  input: Movements,
  needs,
  plan: (plan) => plan.step("take", first.operations.take, one).step("second", second.operations.put, one, droppable),
});
const overFour = transaction("overFour", {
  input: Movements,
  needs,
  plan: (plan) =>
    plan
      .step("take", first.operations.take, one)
      .step("second", second.operations.put, one, droppable)
      .step("third", third.operations.put, one, droppable)
      .step("fourth", fourth.operations.put, one, droppable),
});
/** Both steps at one bank. */
const overOne = transaction("overOne", {
  input: Movements,
  needs,
  plan: (plan) => plan.step("take", first.operations.take, one).step("put", first.operations.put, one),
});

export type Databases = 1 | 2 | 4;

/** Accounts transactions are spread over, so that they do not meet. */
const accountCount = 5_000;

/** The most transactions that may be under way where branches wait for the decision prepared. */
const preparingInFlight = 400;

/** The most branches of the server that may wait for their decision prepared. */
export const preparedTransactions = 4 * preparingInFlight;

export interface World extends AsyncDisposable {
  /** Resolves when its caller is answered. */
  run(account: string): Promise<{ readonly status: string }>;
  /** Resolves when no transaction is under way any more. */
  drained(): Promise<void>;
}

/** Opens connections and admits the transaction, so that none of it is measured. */
export async function warm(at: World, callers: number): Promise<void> {
  for (let round = 0; round < 2; round++)
    await Promise.all(Array.from({ length: Math.max(callers, 20) }, (_, n) => at.run(accountOf(n))));
  await at.drained();
}

export interface WorldOptions {
  readonly store: Store;
  readonly strategy: Plugin;
  readonly databases: Databases;
  readonly batching: boolean;
  readonly form: Form;
  /** Whether requests for the same account may go together. */
  readonly lanes: boolean;
  /** Called before money is taken; what it waits for, the transaction waits for. */
  readonly before?: () => Promise<void> | void;
}

export const accountOf = (n: number): string => `account-${n % accountCount}`;

/** Makes the accounts of all banks, once for all worlds. */
export async function makeBanks(from: Store): Promise<void> {
  for (const name of bankNames) {
    const { sql } = await from.database(name);
    await sql`create table if not exists account (
      id text primary key, balance bigint not null check (balance >= 0),
      frozen bigint not null default 0, coming bigint not null default 0) with (fillfactor = 50)`;
    await sql`insert into account select 'account-' || n, 1000000000 from generate_series(0, ${accountCount - 1}) as n
      on conflict do nothing`;
  }
}

const bankNames = ["bank_first", "bank_second", "bank_third", "bank_fourth"] as const;

/** An app with banks, each with a database of its own, and a coordinator in PostgreSQL. */
export async function world(options: WorldOptions): Promise<World> {
  let initiator: Initiator<typeof overTwo> | undefined;
  const Desk = service("bench.tx.v1.Desk", { ping: rpc(Empty, Empty) });
  const transactionOf = { 1: overOne, 2: overTwo, 4: overFour }[options.databases] as typeof overTwo;
  const desk = defineService(Desk, {
    name: "desk",
    description: "Begins the transactions that are measured",
    needs: { begins: initiates(transactionOf), store },
    operations: first,
    setup: async ({ deps }) => {
      initiator = deps.begins;
      return { perform: (await performed(0, options)) as never, handlers: { ping: async () => ({}) } };
    },
  });
  const others = banks.slice(1, options.databases).map((bank, i) => {
    const Bank = service(`bench.tx.v1.Bank${i + 2}`, { ping: rpc(Empty, Empty) });
    return defineService(Bank, {
      name: `bank-${i + 2}`,
      description: "A bank of the measurement",
      operations: bank as typeof first,
      setup: async () => ({
        perform: (await performed(i + 1, options)) as never,
        handlers: { ping: async () => ({}) },
      }),
    });
  });
  const database = options.batching ? "coordinator_batched" : "coordinator_unbatched";
  const name = options.strategy.name;
  const maxInFlight = name !== "xa" && name !== "3pc" ? 20_000 : preparingInFlight;
  const app = await testApp({
    plugins: [given(store, "bench", options.store), postgres, options.strategy, desk, ...others],
    use: { store: "bench", coordinator: "postgres", bus: "memory", transaction: [name] },
    options: {
      "coordinator/postgres": { database, batching: options.batching },
      "transaction-policies/config": { table: { "*": { strategy: name, maxInFlight, deadlineMs: 600_000 } } },
      "transactions/runtime": { graceMs: options.before ? 1_000 : 30_000, driveTimeoutMs: 60_000 },
    },
  });
  const keeping: Coordinator = app.kernel.get(coordinator);
  const { sql } = await options.store.database(bankNames[0]);
  return {
    run: async (account) => {
      for (;;) {
        try {
          if (!initiator) throw new TypeError("the app has not started");
          return await initiator.run({ account });
        } catch (error) {
          if (!(error instanceof StatusError && error.reason === "TOO_MANY_TRANSACTIONS")) throw error;
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      }
    },
    async drained() {
      for (;;) {
        const waiting = await sql`select from mortise_outbox limit 1`;
        if (waiting.length === 0 && (await keeping.counts()).length === 0) return;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    [Symbol.asyncDispose]: () => app.stop(),
  };
}

/** The first bank without an app around it. */
export async function firstBank(from: Store, lanes: boolean): Promise<Performer> {
  return benchPerformer(first, await from.database(bankNames[0]), "functions", lanes);
}

async function performed(which: number, { store: from, form, lanes, before }: WorldOptions) {
  const database = await from.database(bankNames[which] as string);
  const bank: BenchBank = (banks as readonly BenchBank[])[which] ?? first;
  const { perform } = benchPerformer(bank, database, form, lanes);
  const { take, put } = perform as unknown as Readonly<Record<string, LocalOperation>>;
  const waiting = before && which === 0 ? { ...take, reserve: after(before, take?.reserve) } : take;
  return { on: database, operations: { take: waiting, put } };
}

function after(before: () => Promise<void> | void, work: LocalOperation["reserve"] | undefined) {
  return async (...given: Parameters<LocalOperation["reserve"]>) => {
    await before();
    return work?.(...given);
  };
}
