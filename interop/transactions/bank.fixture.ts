import { coordinator, type Plugin, type Store, store, transactions } from "@mortise/kernel";
import { ownBank, secondBank, type TestApp, type TestPostgres, testApp, thirdBank } from "@mortise/kernel/testing";
import { memory } from "@mortise/plugins/bus/memory/memory";
import { postgres as postgresCoordinator } from "@mortise/plugins/coordinator/postgres/postgres";
import { postgres } from "@mortise/plugins/store/postgres/postgres";
import { threePhase } from "@mortise/plugins/transaction/3pc/3pc";
import { bestEffort } from "@mortise/plugins/transaction/best-effort/best-effort";
import { local } from "@mortise/plugins/transaction/local/local";
import { message } from "@mortise/plugins/transaction/message/message";
import { outbox } from "@mortise/plugins/transaction/outbox/outbox";
import { saga } from "@mortise/plugins/transaction/saga/saga";
import { tcc } from "@mortise/plugins/transaction/tcc/tcc";
import { xa } from "@mortise/plugins/transaction/xa/xa";

export const strategies: readonly Plugin[] = [local, xa, threePhase, tcc, saga, outbox, message, bestEffort];
export const accounts = { alice: 1_000n, bob: 1_000n, carol: 1_000n, bonus: 0n } as const;

export interface BankApp extends TestApp {
  readonly strategy: (name: string) => Promise<void>;
  /** Takes the second bank or a strategy away, or puts back what is not named. */
  readonly without: (what: { readonly second?: true; readonly strategy?: string }) => Promise<void>;
  /** What all accounts of all banks hold together, also on its way. */
  readonly total: () => Promise<bigint>;
  readonly balance: (bank: "own_bank" | "second_bank" | "third_bank", account: string) => Promise<bigint>;
  /** Waits until nothing is on its way, and everything is whole. */
  readonly store: () => Store;
}

export interface BankAppOptions {
  readonly server: TestPostgres;
  readonly strategy: string;
  readonly prefix: string;
  readonly plugins?: readonly Plugin[];
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Three banks and their coordinator in one process, on one server with a database for each. */
export async function bankApp({
  server,
  strategy,
  prefix,
  plugins = [],
  options = {},
}: BankAppOptions): Promise<BankApp> {
  const [own, second, third] = [ownBank(accounts), secondBank(accounts), thirdBank(accounts)];
  const config = (name: string, banks = [own, second, third], without = "") => ({
    plugins: [postgres, postgresCoordinator, memory, ...strategies, ...banks, ...plugins],
    use: {
      bus: "memory",
      store: "postgres",
      coordinator: "postgres",
      transaction: strategies.map((one) => one.name).filter((one) => one !== without),
    },
    options: {
      "store/postgres": { url: server.url, prefix },
      "transaction-policies/config": { table: { "*": { strategy: name } } },
      "transactions/runtime": {
        leaseMs: 3_000,
        recoverEveryMs: 100,
        relayEveryMs: 100,
        sweepEveryMs: 500,
        orphanAfterMs: 5_000,
      },
      ...options,
    },
  });
  const app = await testApp(config(strategy));
  const databases = () => app.kernel.get(store);
  const sqlOf = async (bank: string) => (await databases().database(bank)).sql;
  return Object.assign(app, {
    strategy: async (name: string) => void (await app.become(config(name))),
    without: async (what: { readonly second?: true; readonly strategy?: string }) => {
      const banks = what.second ? [own, third] : [own, second, third];
      const { settled } = await app.become(config(what.strategy ? "tcc" : strategy, banks, what.strategy));
      await settled;
    },
    store: databases,
    total: async () => {
      const sums = await Promise.all(
        ["own_bank", "second_bank", "third_bank"].map(async (bank) => {
          const [row] = await (await sqlOf(bank))<{ cents: bigint }[]>`
            select coalesce(sum(balance + frozen), 0)::bigint as cents from account`;
          return row?.cents ?? 0n;
        }),
      );
      return sums.reduce((all, one) => all + one, 0n);
    },
    balance: async (bank: string, account: string) => {
      const [row] = await (await sqlOf(bank))<{ balance: bigint }[]>`select balance from account where id = ${account}`;
      return row?.balance ?? -1n;
    },
  });
}

export { coordinator, transactions };
