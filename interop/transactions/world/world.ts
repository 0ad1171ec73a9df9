import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, type RealServer, type TestPostgres } from "@mortise/kernel/testing";
import { type Books, openBooksOf } from "./books.ts";
import { type BankName, bankNames } from "./contract.ts";
import type { Patience, Policy, ProcessStart } from "./messages.ts";
import { type Process, type StartOptions, startProcess } from "./processes.ts";

/** Where a process stands: several begin transactions, of the others there is one each. */
export type Role = `own${number}` | Exclude<BankName, "own">;

export interface WorldOptions {
  readonly postgres: TestPostgres;
  readonly nats: RealServer;
  readonly prefix: string;
  readonly policy: Policy;
  /** Processes that begin transactions. Default 2. */
  readonly owns?: number;
  readonly accounts?: readonly string[];
  readonly cents?: number;
  readonly start?: StartOptions;
  /** What differs from {@link usualPatience}. */
  readonly patience?: Partial<Patience>;
  /** All banks in the first process. */
  readonly together?: boolean;
  /** How long to wait at most until nothing is on its way. Default 90 s. */
  readonly quietMs?: number;
  /** What a process connects to in place of a server. */
  readonly through?: (role: Role, url: string) => string;
  /** How processes call each other, if not directly. */
  readonly calling?: Calling;
  /** Banks whose databases are on another server. They are told where decisions are kept, unless `strangers`. */
  readonly elsewhere?: {
    readonly postgres: TestPostgres;
    readonly banks: readonly BankName[];
    readonly strangers?: boolean;
  };
}

/** How processes reach each other where that is not direct. */
export interface Calling {
  /** The ports where a process reaches others, by their roles. */
  portsFor(role: Role): Readonly<Record<string, number>>;
  /** A process can be called at this address from now on. */
  listens(role: Role, address: string): void;
}

/** Four banks in processes of their own, with their databases and what they share. */
export interface World extends AsyncDisposable {
  readonly books: Books;
  readonly nats: RealServer;
  readonly roles: readonly Role[];
  process(role: Role): Process;
  /** Starts it again, waiting until it works; its predecessor is gone. */
  restart(role: Role, options?: StartOptions): Promise<Process>;
  policy(policy: Policy): Promise<void>;
  /** Waits until nothing is on its way. Rejects with what is. */
  quiet(withinMs?: number): Promise<void>;
}

/** Quick, so that tests need not wait. */
export const usualPatience: Patience = {
  leaseMs: 2_000,
  attempts: 5,
  backoffMs: 50,
  maxBackoffMs: 1_000,
  redeliverMs: 500,
  maxRedeliverMs: 1_000,
  redeliverAtOnce: 50,
};

/** What a policy has that does not name a schedule, in milliseconds. */
const usualSchedule = [1_000, 10_000, 60_000, 600_000, 3_600_000, 21_600_000];

export const usualAccounts = ["alice", "bob", "carol", "dave"] as const;

export async function startWorld(options: WorldOptions): Promise<World> {
  const {
    postgres,
    nats,
    prefix,
    owns = 2,
    accounts = usualAccounts,
    cents = 10_000,
    elsewhere,
    together = false,
  } = options;
  const dir = mkdtempSync(join(tmpdir(), "mortise-world-"));
  const historyDir = join(dir, "history");
  mkdirSync(historyDir);
  const patience = { ...usualPatience, ...options.patience };
  const { through = (_: Role, url: string) => url } = options;
  const serversOf = (role: Role) => {
    const here = through(role, postgres.url);
    if (!elsewhere || !banksOf(role).some((bank) => elsewhere.banks.includes(bank)))
      return { store: here, coordinator: undefined, prefix };
    const there = through(role, elsewhere.postgres.url);
    return { store: there, coordinator: elsewhere.strangers ? undefined : here, prefix };
  };
  let current = options.policy;
  const schedules: (readonly number[])[] = [options.policy.scheduleMs ?? usualSchedule];
  const roles: Role[] = [
    ...Array.from({ length: owns }, (_, n): Role => `own${n + 1}`),
    ...(together ? [] : bankNames.filter((bank) => bank !== "own")),
  ];
  const banksOf = (role: Role): readonly BankName[] => {
    if (!role.startsWith("own")) return [role as BankName];
    return together && role === "own1" ? bankNames : ["own"];
  };
  const startOf = (role: Role): ProcessStart => ({
    banks: banksOf(role),
    servers: serversOf(role),
    nats: through(role, nats.url),
    role,
    calls: options.calling?.portsFor(role) ?? {},
    dir: join(dir, "registry"),
    historyDir,
    accounts,
    cents,
    policy: current,
    patience,
  });
  const processes = new Map<Role, Process>();
  const begin = async (role: Role, how: StartOptions) => {
    const listens = (address: string) => options.calling?.listens(role, address);
    const process = await startProcess(startOf(role), { ...how, listens });
    processes.set(role, process);
    return process;
  };
  const started = await Promise.allSettled(roles.map((role) => begin(role, options.start ?? {})));
  const failed = started.find((one) => one.status === "rejected");
  if (failed) {
    for (const one of processes.values()) one.signal("SIGKILL");
    throw failed.reason;
  }
  const books = await openBooksOf({
    postgres,
    prefix,
    watched: { patience, historyDir, schedules },
    ...(elsewhere && { elsewhere }),
  });
  const process = (role: Role) => {
    const found = processes.get(role);
    if (!found) throw new TypeError(`there is no process ${role}`);
    return found;
  };
  return {
    books,
    nats,
    roles,
    process,
    restart: async (role, how = options.start ?? {}) => {
      process(role).signal("SIGKILL");
      await process(role).gone;
      return begin(role, how);
    },
    async policy(policy) {
      if (JSON.stringify(policy) === JSON.stringify(current)) return;
      current = policy;
      schedules.push(policy.scheduleMs ?? usualSchedule);
      const all = roles.filter((role) => role.startsWith("own"));
      await Promise.all(
        all.map(async (role) => {
          const { gone, ask } = process(role);
          await Promise.race([ask({ what: "policy", policy }), gone]); // who dies starts again with it
        }),
      );
    },
    async quiet(withinMs = options.quietMs ?? 90_000) {
      let left: readonly string[] = [];
      await eventually(async () => {
        await books.observe();
        left = await books.onTheWay();
        return left.length === 0;
      }, withinMs).catch((error: unknown) => {
        throw new Error(`after ${withinMs} ms there is still: ${left.slice(0, 20).join("; ")}`, { cause: error });
      });
    },
    async [Symbol.asyncDispose]() {
      for (const one of processes.values()) one.signal("SIGKILL");
      await Promise.all([...processes.values()].map(({ gone }) => gone));
      await books.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
