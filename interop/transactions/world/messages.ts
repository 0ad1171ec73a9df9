import type { BankName, WorldTransaction } from "./contract.ts";

/** The servers of PostgreSQL a process connects to. */
export interface Servers {
  readonly store: string;
  /** Where decisions are kept, if that is another one. */
  readonly coordinator: string | undefined;
  readonly prefix: string;
}

/** How a process of the world is started. */
export interface ProcessStart {
  readonly banks: readonly BankName[];
  readonly servers: Servers;
  readonly nats: string;
  /** The directory of the registry. */
  readonly dir: string;
  readonly accounts: readonly string[];
  readonly cents: number;
  readonly policy: Policy;
  /** The longest wait before something is tried again. */
  readonly maxBackoffMs: number;
  /** How long an acknowledgement is waited for at first, and at most, in milliseconds. */
  readonly redeliverMs: readonly [first: number, most: number];
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
  | { readonly held: string }
  | { readonly id: number; readonly told?: unknown; readonly error?: string };
