import type { BankName, WorldTransaction } from "./contract.ts";

/** The servers of PostgreSQL a process connects to. */
export interface Servers {
  readonly store: string;
  /** Where decisions are kept, if that is another one. */
  readonly coordinator: string | undefined;
  readonly prefix: string;
}

/** How a process goes about what does not work at once: options of `transactions/runtime`. */
export interface Patience {
  readonly leaseMs: number;
  /** In one round. */
  readonly attempts: number;
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  readonly redeliverMs: number;
  readonly maxRedeliverMs: number;
  readonly redeliverAtOnce: number;
}

/** How a process of the world is started. */
export interface ProcessStart {
  readonly role: string;
  /** Where it calls others, by their roles; those that are not named it calls directly. */
  readonly calls: Readonly<Record<string, number>>;
  readonly banks: readonly BankName[];
  readonly servers: Servers;
  readonly nats: string;
  /** The directory of the registry. */
  readonly dir: string;
  /** The directory where it writes down what it asks and is asked. */
  readonly historyDir: string;
  readonly accounts: readonly string[];
  readonly cents: number;
  readonly policy: Policy;
  readonly patience: Patience;
}

export interface Policy {
  readonly strategy: string;
  readonly deadlineMs?: number;
  readonly scheduleMs?: readonly number[];
}

/** What a process is asked to do. */
export type Ask =
  | {
      readonly what: "run";
      readonly transaction: WorldTransaction;
      readonly from: string;
      readonly to: string;
      readonly cents: number;
      readonly key?: string;
      readonly timeoutMs: number;
    }
  | { readonly what: "wait"; readonly transaction: WorldTransaction; readonly gid: string; readonly timeoutMs: number }
  | { readonly what: "policy"; readonly policy: Policy }
  | { readonly what: "arm"; readonly points: string }
  | { readonly what: "release"; readonly whom: "all" | "first" }
  | { readonly what: "log" };

/** What became of a transaction as far as whoever asked was told. */
export interface Told {
  readonly gid: string;
  readonly status: "committed" | "aborted" | "pending";
  readonly reason: string;
}

export interface AskMessage {
  readonly id: number;
  readonly ask: Ask;
}

/** What a process says. */
export type Said =
  | { readonly ready: true }
  | { readonly listens: string }
  | { readonly held: string }
  | { readonly id: number; readonly told?: unknown; readonly error?: string };
