import type { DriveReply } from "../contract/transaction/participant.ts";
import type { Isolation, ReplyNeed } from "../contract/transaction/transaction.ts";
import { defineSpi } from "../core/spi.ts";
import type { AbortReason, Decision, PlannedBranch, TransactionRecord, TransactionStatus } from "./coordinator.ts";

/** What a participant can be asked to do with a branch. */
export const actions = [
  /** Says whether it could be done; holds nothing. */
  "check",
  /** Reserves: what is then needed is set aside. */
  "reserve",
  /** Makes final what was reserved. */
  "confirm",
  /** Gives back what was reserved, and refuses a reserve that comes later. */
  "cancel",
  /** Does it as a whole. */
  "apply",
  /** Takes back what was applied, and refuses an apply that comes later. */
  "undo",
  /** Does it as a whole in a database transaction that waits for the decision. */
  "prepare",
  "commitPrepared",
  "rollbackPrepared",
  /** Asks whether it was applied; if not, it never will be. */
  "settle",
] as const;

export type BranchAction = (typeof actions)[number];

/**
 * How a participant answers.
 * - `done`: it is done, now or before.
 * - `rejected`: an operation said no; nothing was done.
 * - `refused`: it was taken back before it came; nothing was done.
 * - `ongoing`: somebody is at it; ask again.
 * - `heuristic`: it ended otherwise than was decided; a person must look.
 */
export const drivenOutcomes = ["done", "rejected", "refused", "ongoing", "heuristic"] as const;

/** How what waits in an outbox leaves it. */
export type OutboxKind = "message" | "notice";

/** How an attempt to take all branches forward ended. */
export type Forward = { readonly done: true } | { readonly done: false; readonly abort: AbortReason };

/** How its plan must be for a strategy to be honest about it; the rule table reads it. */
export interface StrategyFacts extends Readonly<Record<string, unknown>> {
  readonly isolation: Isolation;
  readonly reply: ReplyNeed;
  /** Whether every step may be refused, only those of the first branch, or those before the pivot. */
  readonly rejects: "all" | "before-pivot" | "first-branch";
  /** Every step that may have to be taken back needs `undo`. */
  readonly needsUndo: boolean;
  /** Branches wait in prepared transactions of PostgreSQL, with rows locked. */
  readonly prepares: boolean;
  /** All steps must be on one participant. */
  readonly oneBranch: boolean;
  /** Steps beyond the first branch may be lost. */
  readonly mayDrop: boolean;
  readonly external: boolean;
  readonly long: boolean;
  /** In milliseconds; undefined: none. */
  readonly defaultDeadlineMs: number | undefined;
}

/** One transaction as a strategy sees it: its plan, and everything that may be done with it. */
export interface DrivenTransaction {
  readonly gid: string;
  readonly strategy: string;
  /** Branches that decide the outcome, in an order that respects `after`. */
  readonly branches: readonly PlannedBranch[];
  /** Branches that run after the commit. */
  readonly later: readonly PlannedBranch[];
  /** What is kept of it; undefined while it is driven for the first time. */
  readonly record: TransactionRecord | undefined;
  /** Resolves when the begin is durable. Rejects with an Answered error if the gid was begun before. */
  begin(): Promise<void>;
  /** One attempt. Rejects with a StatusError when the answer is not known. */
  drive(branch: PlannedBranch, action: BranchAction): Promise<DriveReply>;
  /** Takes all of `branches` forward in the order of the graph, side by side where it allows that. */
  forward(branches: readonly PlannedBranch[], action: BranchAction): Promise<Forward>;
  /** Repeats until it is done, for ever if need be. */
  settle(branch: PlannedBranch, action: BranchAction): Promise<void>;
  decide(decision: Decision, abort?: AbortReason): Promise<TransactionStatus>;
  finish(): Promise<void>;
  /** Tells whoever waits how it ended; only the first answer counts. */
  answer(outcome: "committed" | "pending" | AbortReason): void;
  /** Publishes branches on the bus once. Whoever does one acknowledges it, which shows in `done` of the record. */
  deliver(branches: readonly PlannedBranch[]): Promise<void>;
  /**
   * Applies `first`, which this process performs itself, and in the same database transaction writes the rest to its
   * outbox, from where it is published (`message`) or called on a schedule (`notice`).
   */
  applyWithOutbox(first: PlannedBranch, rest: readonly PlannedBranch[], kind: OutboxKind): Promise<DriveReply>;
  /** A named point of the protocol, where faults are injected. */
  at(point: string): Promise<void> | void;
}

/** One way to bring a transaction to one outcome on all its participants. */
export interface TransactionStrategy {
  /** Drives it from its begin. Answers as soon as the outcome is certain, resolves when there is nothing left to do. */
  run(driven: DrivenTransaction): Promise<void>;
  /** Goes on with what another node, or this one, left behind. */
  resume(driven: DrivenTransaction, record: TransactionRecord): Promise<void>;
}

export const transaction = defineSpi<TransactionStrategy>("transaction", { kind: "named" });
