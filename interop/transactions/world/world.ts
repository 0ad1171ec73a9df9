import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, type RealServer, type TestPostgres } from "@mortise/kernel/testing";
import { type Books, openBooksOf } from "./books.ts";
import { type BankName, bankNames } from "./contract.ts";
import type { Policy, ProcessStart } from "./messages.ts";
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
  /** The longest wait before something is tried again. Default 1 s. */
  readonly maxBackoffMs?: number;
  /** How long an acknowledgement is waited for at first, and at most. Default 0.5 s and 1 s. */
  readonly redeliverMs?: readonly [first: number, most: number];
  /** All banks in the first process. */
  readonly together?: boolean;
  /** How long to wait at most until nothing is on its way. Default 90 s. */
  readonly quietMs?: number;
  /** What a process connects to in place of a server. */
  readonly through?: (role: Role, url: string) => string;
  /** Banks whose databases are on another server. They are told where decisions are kept, unless `strangers`. */
  readonly elsewhere?: {
    readonly postgres: TestPostgres;
    readonly banks: readonly BankName[];
    readonly strangers?: boolean;
  };
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
  const { through = (_: Role, url: string) => url } = options;
  const serversOf = (role: Role) => {
    const here = through(role, postgres.url);
    if (!elsewhere || !banksOf(role).some((bank) => elsewhere.banks.includes(bank)))
      return { store: here, coordinator: undefined, prefix };
    const there = through(role, elsewhere.postgres.url);
    return { store: there, coordinator: elsewhere.strangers ? undefined : here, prefix };
  };
  let current = options.policy;
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
    dir,
    accounts,
    cents,
    policy: current,
    maxBackoffMs: options.maxBackoffMs ?? 1_000,
    redeliverMs: options.redeliverMs ?? [500, 1_000],
  });
  const processes = new Map<Role, Process>();
  const begin = async (role: Role, how: StartOptions) => {
    const process = await startProcess(startOf(role), how);
    processes.set(role, process);
    return process;
  };
  const started = await Promise.allSettled(roles.map((role) => begin(role, options.start ?? {})));
  const failed = started.find((one) => one.status === "rejected");
  if (failed) {
    for (const one of processes.values()) one.signal("SIGKILL");
    throw failed.reason;
  }
  const books = await openBooksOf({ postgres, prefix, ...(elsewhere && { elsewhere }) });
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
