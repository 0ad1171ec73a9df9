import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { codecOf, type Infer, participantService, type StrategyFacts } from "../contract/index.ts";
import type { Plugin } from "../core/plugin.ts";
import { systemPorts } from "../core/ports.ts";
import { openDatabase } from "../postgres/database.ts";
import { loadDrivers } from "../postgres/drivers.ts";
import { branchesOf } from "../runtime/transaction/branches.ts";
import { requestFor } from "../runtime/transaction/requests.ts";
import { coordinator } from "../spi/coordinator.ts";
import { keptCoordinator } from "../spi/kept-transactions.ts";
import { type Database, type Store, store } from "../spi/store.ts";
import { type BankTransaction, bankTransactions, Desk, ownBank, Payment, secondBank, thirdBank } from "./bank-app.ts";
import { eventually } from "./eventually.ts";
import type { TestPostgres } from "./postgres-server.ts";
import { type AppOptions, given, type TestApp, testApp } from "./test-app.ts";
import { testConnections } from "./test-connections.ts";

/** Three banks, each with a database of its own, and a desk where transactions begin. */
export interface StrategyWorld extends AsyncDisposable {
  run(transaction: BankTransaction, how?: Partial<Orders>): Promise<{ gid: string; status: string; reason: string }>;
  wait(transaction: BankTransaction, gid: string): Promise<string>;
  /** What is on an account of the first, second or third bank. */
  balance(bank: 0 | 1 | 2, account: string): Promise<bigint>;
  database(bank: 0 | 1 | 2): Promise<Database>;
  readonly app: TestApp;
  /** Puts a transaction where a process leaves it that dies: reserved everywhere, and decided or not. */
  left(
    transaction: BankTransaction,
    input: Infer<typeof Payment>,
    status: "active" | "committing",
    how?: Partial<LeftHow>,
  ): Promise<string>;
  /** Waits until nothing is set aside or prepared anywhere, and every transaction has ended. */
  settled(): Promise<void>;
}

export interface LeftHow {
  /** Nobody goes on with it. */
  readonly paused: boolean;
  /** How many branches are reserved; by default all. */
  readonly reserved: number;
}

export interface Orders {
  readonly key: string;
  readonly cents: bigint;
  readonly settled: boolean;
}

const names = ["own_bank", "second_bank", "third_bank"] as const;
const accounts = { alice: 1_000n, bob: 1_000n, carol: 1_000n, bonus: 0n };

/** The branches of a transaction of the banks. */
export const bankBranches = (name: BankTransaction) => branchesOf(bankTransactions[name] as never);

/** What each bank holds at first, in cents. */
export const bankCents = 3_000n;

/** A world whose transactions are driven by one strategy. */
export async function strategyWorld(
  server: TestPostgres,
  strategy: Plugin,
  more: Pick<AppOptions, "plugins" | "use" | "ports"> = {},
): Promise<StrategyWorld> {
  const { api, end } = await storeOn(server);
  const now = () => Date.now();
  const keeping = keptCoordinator({ records: new Map(), ended: [], audits: [], now }, 100_000);
  const app = await testApp({
    ...(more.ports && { ports: more.ports }),
    plugins: [
      given(store, "test", api),
      given(coordinator, "test", keeping),
      strategy,
      ownBank(accounts),
      secondBank(accounts),
      thirdBank(accounts),
      ...(more.plugins ?? []),
    ],
    use: { store: "test", coordinator: "test", bus: "memory", transaction: [strategy.name], ...more.use },
    options: {
      "transaction-policies/config": {
        table: { "*": { strategy: strategy.name, scheduleMs: [50, 100, 200, 400, 800, 1_600] } },
      },
      "transactions/runtime": {
        leaseMs: 500,
        recoverEveryMs: 50,
        relayEveryMs: 50,
        sampleEveryMs: 50,
        maxBackoffMs: 300,
        redeliverMs: 200,
        maxRedeliverMs: 400,
      },
    },
  });
  const desk = app.clients.client(Desk);
  const facts = strategy.facts as Partial<StrategyFacts>;
  const database = (bank: 0 | 1 | 2) => api.database(names[bank]);
  return {
    run: (transaction, { key = "", cents = 100n, settled = true } = {}) =>
      desk.run({ transaction, key, cents, settled, from: "alice", to: "bob", sponsor: "carol" }),
    wait: async (transaction, gid) => (await desk.wait({ transaction, gid })).status,
    balance: async (bank, account) => {
      const [row] = await (await database(bank)).sql<
        { balance: bigint }[]
      >`select balance from account where id = ${account}`;
      assert.ok(row, `there is an account ${account}`);
      return row.balance;
    },
    database,
    app,
    left: async (name, input, status, { paused = false, reserved } = {}) => {
      const one = bankTransactions[name];
      const gid = randomUUID();
      const bytes = codecOf(Payment).encode(input);
      const { main } = bankBranches(name);
      const outputs = new Map<string, Uint8Array>();
      const parts = { gid, strategy: strategy.name, transaction: one as never, input: bytes, outputs };
      const action = facts.prepares ? "prepare" : facts.isolation === "none" ? "apply" : "reserve";
      for (const branch of main.slice(0, reserved)) {
        const request = requestFor(parts, branch, action);
        await app.clients.client(participantService(branch.participant)).drive(request);
      }
      const { version } = one;
      const begun = {
        gid,
        name,
        version,
        strategy: strategy.name,
        input: bytes,
        branches: main,
        outputs: {},
        trace: "",
      };
      await keeping.begin({ ...begun, status, deadlineMs: 10_000 }, "a process that is gone", paused ? 60_000 : 1);
      if (paused) await keeping.pause(gid, true);
      return gid;
    },
    settled: async () => {
      await eventually(async () => {
        const counts = await keeping.counts();
        if (counts.some(({ status }) => status !== "committed" && status !== "aborted")) return false;
        const open = await Promise.all(([0, 1, 2] as const).map(async (bank) => openIn(await database(bank))));
        return open.every((count) => count === 0);
      }, 90_000);
    },
    async [Symbol.asyncDispose]() {
      await app.stop();
      await end();
    },
  };
}

async function openIn({ sql }: Database): Promise<number> {
  const [row] = await sql<{ open: number }[]>`
    select ((select count(*) from account where frozen <> 0 or coming <> 0)
      + (select count(*) from pg_prepared_xacts where database = current_database())
      + (select count(*) from mortise_outbox))::int as open`;
  return row?.open ?? 0;
}

async function storeOn(server: TestPostgres): Promise<{ api: Store; end(): Promise<void> }> {
  const drivers = await loadDrivers();
  const open = new Map<string, Promise<{ database: Database; end: () => Promise<void> }>>();
  const connections = { ...testConnections, poolSize: 6 };
  async function opened(name: string) {
    const test = await server.database();
    const { database, end } = openDatabase(name, test.address, connections, drivers, systemPorts);
    return {
      database,
      end: async () => {
        await end(0);
        await test.drop();
      },
    };
  }
  return {
    api: {
      database: async (name) => {
        const opening = open.get(name) ?? opened(name);
        open.set(name, opening);
        return (await opening).database;
      },
    },
    end: async () => void (await Promise.all([...open.values()].map(async (one) => (await one).end()))),
  };
}
