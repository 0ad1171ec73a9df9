import type { TraceContext } from "../../call/trace.ts";
import type { AnyTransaction } from "../../contract/transaction/transaction.ts";
import type { AbortReason, NewTransaction, Past, TransactionRecord } from "../../spi/coordinator.ts";
import type { Span } from "../../spi/tracer.ts";
import type { DrivenTransaction } from "../../spi/transaction.ts";

/** What a driven transaction is about. */
export interface Subject {
  readonly gid: string;
  readonly transaction: AnyTransaction;
  readonly strategy: string;
  readonly input: Uint8Array;
  readonly fresh: boolean;
  readonly deadlineMs: number | undefined;
  readonly trace: TraceContext | undefined;
  /** Lasts as long as this process drives it. */
  readonly span?: Span | undefined;
  /** W3C traceparent; empty for none. */
  readonly traceparent: string;
  /** What became of it before the coordinator hears of it; nothing where it begins now. */
  readonly past?: Past | undefined;
  /** What the coordinator has of it; nothing where it is about to begin. */
  readonly record?: TransactionRecord | undefined;
  /** What a participant has said since, and the coordinator is told with what follows from it. */
  readonly acknowledged?: Acknowledgement | undefined;
}

/** What was said to be done, and what it gave, as bytes by step. */
export interface Acknowledgement {
  /** Missing where the record does not keep which branches are done. */
  readonly branch?: string | undefined;
  readonly outputs: Readonly<Record<string, Uint8Array>>;
}

/** When a record was taken on, or its lease renewed, by the clock of the coordinator: the latest moment that is known of it. */
export function leasedAt({ leaseUntil }: TransactionRecord, leaseMs: number): number {
  return leaseUntil - leaseMs;
}

/**
 * Whether the deadline of a record had passed when it was taken on: a lease begins with that. Before, whoever drove it had
 * been gone in time, and that is why it was not decided.
 *
 * @param leaseMs for which it was taken on
 */
export function wasLate(record: TransactionRecord | undefined, leaseMs: number): boolean {
  return record?.deadlineAt !== undefined && leasedAt(record, leaseMs) >= record.deadlineAt;
}

/** How it ended, as far as the one who waits is concerned. */
export type Answer =
  | { readonly status: "committed" | "pending" }
  | { readonly status: "aborted"; readonly abort: AbortReason };

/** One transaction on its way in this process. */
export interface Driver extends DrivenTransaction {
  readonly transaction: AnyTransaction;
  readonly strategy: string;
  readonly outputs: ReadonlyMap<string, Uint8Array>;
  readonly answered: Promise<Answer>;
  /** Whether the coordinator knows it, or may: whoever has the record tells its end. One of a single branch has none. */
  readonly recorded: boolean;
  /** Whether what has no record was done before it was asked for here: somebody else has counted its end. */
  readonly doneBefore: boolean;
  /** Somebody else has aborted it: nothing more is taken forward. */
  readonly overrule: (abort: AbortReason) => void;
  /** What the coordinator is told at its begin. */
  readonly begins: (status: NewTransaction["status"]) => NewTransaction;
}

/** Somebody began it before; what became of that is the answer. */
export class BegunBefore extends Error {
  readonly record: TransactionRecord;

  constructor(record: TransactionRecord) {
    super(`transaction ${record.gid} was begun before`);
    this.record = record;
  }
}

/** It is left for later, and whoever is due then goes on. */
export class LeftForLater extends Error {}
