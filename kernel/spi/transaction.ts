import type { DriveReply } from "../contract/transaction/participant.ts";
import type { StrategyFacts } from "../contract/transaction/strategy.ts";
import { defineSpi } from "../core/spi.ts";
import type { AbortReason, Decision, PlannedBranch, TransactionRecord } from "./coordinator.ts";

export type { StrategyFacts };

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
  /** Asks whether it was applied or confirmed, and changes nothing. */
  "peek",
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
export type Forward =
  | { readonly done: true }
  /** `certain`: it was said no; otherwise an answer may have been lost, and the branch that did not go may be done. */
  | { readonly done: false; readonly abort: AbortReason; readonly certain: boolean };

/** One transaction as a strategy sees it: its plan, and everything that may be done with it. */
export interface DrivenTransaction {
  readonly gid: string;
  /** Branches that decide the outcome, each after those it waits for. */
  readonly branches: readonly PlannedBranch[];
  /** Branches that run after the commit. */
  readonly later: readonly PlannedBranch[];
  /** Whether nobody can have begun it before, so that its begin may still be under way while branches are driven. */
  readonly fresh: boolean;
  /** Whether its deadline had passed, by the coordinator's clock, when this process took it on from another. */
  readonly late: boolean;
  /** Resolves when the begin is durable. Rejects when that is not known, or when somebody began it before. */
  begin(): Promise<void>;
  /**
   * Begins it as one that is aborted already, for what was refused before anything of it was held or done: its plan and the
   * reason are durable in one write. Asks again while nobody says whether it has begun, and rejects where it stays unknown, or
   * where somebody began it before.
   */
  beginAborted(abort: AbortReason): Promise<void>;
  /** One attempt. Rejects with a StatusError when the answer is not known. */
  drive(branch: PlannedBranch, action: BranchAction): Promise<DriveReply>;
  /**
   * Takes branches forward, each after those it waits for and otherwise side by side, again and again until the deadline.
   * Resolves at the first that will not go.
   * @param asking the point before each request
   */
  forward(branches: readonly PlannedBranch[], action: BranchAction, asking?: string): Promise<Forward>;
  /**
   * Repeats until all is done, in the given order. After some attempts it rejects, and another node, or this one, goes on
   * later: what must happen never ends for want of time.
   * @param asking the point before each request
   */
  settle(branches: readonly PlannedBranch[], action: BranchAction, order: SettleOrder, asking?: string): Promise<void>;
  /**
   * Decides, unless somebody else has. Resolves, once that is durable, with what was decided; the status of an ended
   * transaction counts as its decision.
   * @param unknown the point after the decision and before anybody knows of it
   */
  decide(decision: Decision, abort?: AbortReason, unknown?: string): Promise<Decision>;
  /** Tells whoever waits; only the first answer counts. An abort without a reason is looked up. */
  answer(outcome: "committed" | "pending" | "aborted" | AbortReason): Promise<void>;
  /** Takes the branches forward that run after the commit. Those that may be lost are not repeated for long. */
  runLater(): Promise<void>;
  /** Tells the bus how it ended, and writes the end. */
  finish(decision: Decision): Promise<void>;
  /** Lets the coordinator know of one that is decided by what its first participant committed. */
  adopt(): Promise<void>;
  /**
   * Decides to commit, unless somebody else has decided, and with that puts the transaction off until what `deliver` is about
   * to publish should have been acknowledged: one write for two.
   */
  decideToDeliver(): Promise<Decision>;
  /**
   * Publishes branches on the bus, and puts the transaction off until they should have been acknowledged, which shows in
   * `done` of the record. What was published before is published again within bounds: most of it is late and not lost.
   */
  deliver(branches: readonly PlannedBranch[]): Promise<void>;
  /**
   * Applies `first`, which this process performs itself, and in the same database transaction writes the rest to its
   * outbox, from where it is published (`message`) or called on a schedule (`notice`).
   */
  applyWithOutbox(first: PlannedBranch, rest: readonly PlannedBranch[], kind: OutboxKind): Promise<Forward>;
  /** What the outbox beside the first branch still has of the others; where that cannot be seen here, something waits. */
  outboxHolds(first: PlannedBranch): Promise<OutboxState>;
  /** Puts it off: it is taken on again later, by whoever is due then. Unless told how it stands, it counts as one more round. */
  leave(lastError: string, how?: "waits" | "needs a person"): Promise<void>;
  /** Waits before the same is tried again: longer after each attempt, counted from 0. */
  pause(attempt: number): Promise<void>;
  /** A named point of the protocol, where faults are injected. */
  at(point: string): Promise<void> | void;
}

export interface OutboxState {
  /** `failing`: some were given up, or sent so often and so long ago that a person has to look. */
  readonly holds: "nothing" | "waiting" | "failing";
  /** Why the last attempt failed; empty where none has. */
  readonly lastError: string;
}

/** `along`: each after those it waits for; `reverse`: each before those it waits for; `beside`: all side by side. */
export type SettleOrder = "along" | "reverse" | "beside";

/** One way to bring a transaction to one outcome on all its participants. */
export interface TransactionStrategy {
  /** The same as the facts of its plugin. */
  readonly facts: StrategyFacts;
  /** Drives it from its begin. Answers as soon as the outcome is certain, resolves when there is nothing left to do. */
  run(driven: DrivenTransaction): Promise<void>;
  /** Goes on with what another node, or this one, left behind. */
  resume(driven: DrivenTransaction, record: TransactionRecord): Promise<void>;
  /**
   * Brings about what a person decides while nothing is decided, where that is honest; gives the decision there is then.
   * Rejects with FAILED_PRECONDITION where it cannot be had. Missing where nothing is ever undecided.
   */
  force?(driven: DrivenTransaction, decision: Decision): Promise<Decision>;
}

export const transaction = defineSpi<TransactionStrategy>("transaction", { kind: "named" });
