import type { Place } from "../call/site.ts";
import type { StatusCode } from "../call/status.ts";
import type { MethodKind } from "../contract/types.ts";
import type { TransactionCount } from "./coordinator.ts";

/** The finished calls that ended with one status. */
export interface OutcomeMetrics {
  readonly code: StatusCode;
  readonly count: number;
  /** Sum of durations in milliseconds. */
  readonly totalMs: number;
  /** Counts per bucket; bucket i holds durations up to `boundsMs[i]` milliseconds, the last one all above. */
  readonly buckets: readonly number[];
}

/** Numbers of one method at one place since the source began to count. */
export interface MethodMetrics {
  /** `<service>/<wireName>`. */
  readonly method: string;
  readonly kind: MethodKind;
  readonly place: Place;
  readonly inFlight: number;
  /** One for every status calls have ended with. */
  readonly outcomes: readonly OutcomeMetrics[];
}

/** Where exporters read the numbers of calls. */
export interface MetricsSource {
  readonly boundsMs: readonly number[];
  read(): readonly MethodMetrics[];
}

/** What this process did about the transactions of one name and strategy since it began to count. */
export interface TransactionMetrics {
  readonly name: string;
  readonly strategy: string;
  readonly begun: number;
  readonly committed: number;
  /** By reason. */
  readonly aborted: Readonly<Record<string, number>>;
  /** Rounds after which one was left for later. */
  readonly rounds: number;
  /** Driven here now. */
  readonly inFlight: number;
}

/** Prepared transactions that hold their locks in the database of a participant of this process. */
export interface PreparedMetrics {
  readonly participant: string;
  readonly count: number;
  readonly oldestMs: number;
}

/** Branches that contend for the same row, and were taken through the database of a participant together. */
export interface BatchMetrics {
  readonly participant: string;
  readonly operation: string;
  /** Batches of more than one branch. */
  readonly batches: number;
  /** Of these, those that failed, so that each branch was done by itself. */
  readonly failed: number;
}

export interface TransactionNumbers {
  readonly driven: readonly TransactionMetrics[];
  /** What has not ended anywhere, as the coordinator said last: the same in every process that begins transactions. */
  readonly open: readonly TransactionCount[];
  /** As the databases said last. */
  readonly prepared: readonly PreparedMetrics[];
  /** By participant and operation, since this process hosts it. */
  readonly batches: readonly BatchMetrics[];
}

/** Where exporters read the numbers of transactions. */
export interface TransactionMetricsSource {
  read(): TransactionNumbers;
}
