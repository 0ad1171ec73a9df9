import { bool, field, int32, int64, optional, repeated, string } from "../fields.ts";
import { message } from "../message.ts";
import { rpc, service } from "../service.ts";
import { Empty } from "../well-known.ts";
import { FenceRow, Gid, OutboxRow, SweepFailure } from "./participant.ts";

/** Which transactions. What is empty, false or 0 does not narrow. */
export const TransactionQuery = message("mortise.transaction.v1.TransactionQuery", {
  name: string(1),
  /** Of `active`, `committing`, `committed`, `aborting`, `aborted`. */
  statuses: repeated(string(2)),
  strategy: string(3),
  /** Only those that need a person. */
  stuck: bool(4),
  /** At least so old, in milliseconds. */
  olderThanMs: int64(5),
  /** At most so many, the oldest first; 0: 100. */
  limit: int32(6),
  /** Only those that have not ended. */
  open: bool(7),
  /** Only those whose gid ends with these signs. */
  gidEnd: optional(string(8)),
});

/**
 * A transaction as the coordinator has it, or as far as the outbox tells that has it where the coordinator has not. Moments are milliseconds since 1970 by its clock; 0: not yet, or
 * none.
 */
export const TransactionSummary = message("mortise.transaction.v1.TransactionSummary", {
  gid: string(1),
  name: string(2),
  version: int32(3),
  strategy: string(4),
  status: string(5),
  createdAt: int64(6),
  decidedAt: int64(7),
  endedAt: int64(8),
  deadlineAt: int64(9),
  /** When somebody takes it on if nobody works on it. */
  nextAt: int64(10),
  leaseUntil: int64(11),
  /** The process that works on it, or did last. */
  owner: string(12),
  attempts: int32(13),
  lastError: string(14),
  stuck: bool(15),
  paused: bool(16),
  /** A branch ended otherwise than was decided, or a person closed it, and why. */
  heuristic: string(17),
  abortReason: string(18),
  abortMessage: string(19),
  abortStep: string(20),
  /** W3C traceparent. */
  trace: string(21),
  /** From its begin to its end, or to now, in milliseconds. */
  ageMs: int64(22),
  /** The participant that keeps it in its outbox, where the coordinator has not heard of it; empty: the coordinator. */
  keptBy: string(23),
});

/** A participant that did not answer, or answered with an error, and why. */
export const Silent = message("mortise.transaction.v1.Silent", {
  participant: string(1),
  why: string(2),
  /** The code of the status it ended with. */
  code: string(3),
});

export const TransactionList = message("mortise.transaction.v1.TransactionList", {
  transactions: repeated(field(1, TransactionSummary)),
  /** There may be more than the limit lets through. */
  more: bool(2),
  /** Who did not tell what its outbox keeps. */
  silent: repeated(field(3, Silent)),
});

/** A branch as it was planned, and what its participant knows of it. */
export const BranchView = message("mortise.transaction.v1.BranchView", {
  id: string(1),
  participant: string(2),
  steps: repeated(string(3)),
  after: repeated(string(4)),
  pivot: bool(5),
  afterCommit: bool(6),
  droppable: bool(7),
  external: bool(8),
  /** Its last step after the decision is done, as far as the coordinator was told. */
  done: bool(9),
  fence: repeated(field(10, FenceRow)),
  /** Names of prepared transactions that wait for the decision. */
  prepared: repeated(string(11)),
  /** It waits in the outbox of another participant. */
  outbox: field(12, OutboxRow),
});

/** Something that happened to a transaction. */
export const TransactionEvent = message("mortise.transaction.v1.TransactionEvent", {
  gid: string(1),
  /** Milliseconds since 1970. */
  at: int64(2),
  /** `begin`, `decide`, `end`, the kind of a fence row, or `audit`. */
  what: string(3),
  branch: string(4),
  participant: string(5),
  by: string(6),
  note: string(7),
  /** Of the transaction; empty where it has no record. */
  name: string(8),
  strategy: string(9),
  /** Why it was aborted, or why a person acted. */
  reason: string(10),
});

export const TransactionView = message("mortise.transaction.v1.TransactionView", {
  /** Not set for one that neither the coordinator nor an outbox has: it was of one branch, or its begin was lost. */
  summary: field(1, TransactionSummary),
  branches: repeated(field(2, BranchView)),
  /** In their order. */
  events: repeated(field(3, TransactionEvent)),
  silent: repeated(field(4, Silent)),
});

/** What a transaction was begun with. */
export const TransactionInput = message("mortise.transaction.v1.TransactionInput", {
  name: string(1),
  version: int32(2),
  /** As JSON, without what the contract says is to be kept from view. */
  json: string(3),
});

/** One transaction, or all open ones of a name or strategy, and who acts on them and why. */
export const ActRequest = message("mortise.transaction.v1.ActRequest", {
  gid: string(1),
  /** Together with `strategy`, in place of `gid`. */
  name: string(2),
  strategy: string(3),
  /** Whoever asks, as they say; a caller that was authenticated is noted as well. */
  by: string(4),
  reason: string(5),
});

/** The transaction or the branch of it that was settled by other means, by whom and why. */
export const CloseRequest = message("mortise.transaction.v1.CloseRequest", {
  gid: string(1),
  by: string(4),
  reason: string(5),
  /** Only this branch counts as done, and the rest goes on; empty: all of it. */
  branch: string(6),
});

export const Acted = message("mortise.transaction.v1.Acted", {
  gids: repeated(string(1)),
  /** Rows of outboxes that are due at once now. */
  outboxRows: int32(2),
  silent: repeated(field(3, Silent)),
  /** Of a retry: those nobody takes on until they are resumed. */
  paused: repeated(string(4)),
});

export const ForceRequest = message("mortise.transaction.v1.ForceRequest", {
  gid: string(1),
  /** `commit` or `abort`. */
  outcome: string(2),
  by: string(3),
  reason: string(4),
});

export const Forced = message("mortise.transaction.v1.Forced", { status: string(1) });

export const AdminSweepRequest = message("mortise.transaction.v1.AdminSweepRequest", {
  /** Empty: all participants of the transactions that are begun here. */
  participant: string(1),
  /** Bring to an end what is found; otherwise it is only told. */
  end: bool(2),
  /** Leave alone what is younger, in milliseconds. */
  olderThanMs: int32(3),
  by: string(4),
  reason: string(5),
  /** With `end`: take back what another coordinator keeps as well, for that one is gone for good. */
  foreign: optional(bool(6)),
  /** With `end`: also what a person has closed, as its transaction was decided. */
  closed: optional(bool(7)),
});

export const Swept = message("mortise.transaction.v1.Swept", {
  participant: string(1),
  gids: repeated(string(2)),
  ended: int32(3),
  /** Held for another coordinator than the participant asks: left alone. */
  foreign: repeated(string(4)),
  /** Could not be brought to their end. */
  failed: repeated(field(5, SweepFailure)),
  /** A person has closed these transactions: left alone. */
  closed: repeated(string(6)),
  /** There are younger ones, which are found once some of these have ended. */
  more: optional(bool(7)),
});

export const SweepReport = message("mortise.transaction.v1.SweepReport", {
  participants: repeated(field(1, Swept)),
  silent: repeated(field(2, Silent)),
});

/** Which transactions are compared with what participants have. What is empty or 0 does not narrow. */
export const ReconcileRequest = message("mortise.transaction.v1.ReconcileRequest", {
  name: string(1),
  /** Only branches of this participant. */
  participant: string(2),
  /** Only transactions less than so old, in milliseconds. */
  newerThanMs: int64(3),
  /** Goes on after this gid: `next` of the answer before. */
  after: string(4),
  /** Transactions of one answer at most; 0: 200. */
  limit: int32(5),
  /** Participants that are not asked, for they did not answer before. */
  passOver: repeated(string(6)),
});

/** A branch that is otherwise than its transaction was decided. */
export const Difference = message("mortise.transaction.v1.Difference", {
  gid: string(1),
  name: string(2),
  strategy: string(3),
  status: string(4),
  branch: string(5),
  participant: string(6),
  steps: repeated(string(7)),
  /** `missing`, `unfinished`, `taken back` or `done`. */
  what: string(8),
  /** The kinds of its fence rows. */
  fence: repeated(string(9)),
  /** What is known already to be wrong with the transaction, or what a person did. */
  heuristic: string(10),
  /** When it was decided, in milliseconds since 1970. */
  decidedAt: int64(11),
});

export const Reconciliation = message("mortise.transaction.v1.Reconciliation", {
  differences: repeated(field(1, Difference)),
  /** Transactions that were compared: all that fit, or those with a branch of the participant that is meant. */
  compared: int32(2),
  /** Where to go on; empty: that was all. */
  next: string(3),
  silent: repeated(field(4, Silent)),
});

export const ExportRequest = message("mortise.transaction.v1.ExportRequest", { gids: repeated(string(1)) });

export const History = message("mortise.transaction.v1.History", {
  events: repeated(field(1, TransactionEvent)),
  silent: repeated(field(2, Silent)),
});

/** Transactions on their way, by name, strategy and status. */
export const OpenCount = message("mortise.transaction.v1.OpenCount", {
  name: string(1),
  strategy: string(2),
  status: string(3),
  count: int64(4),
  stuck: int64(5),
  oldestMs: int64(6),
  /** As in a summary. */
  keptBy: string(7),
});

export const OpenCounts = message("mortise.transaction.v1.OpenCounts", {
  counts: repeated(field(1, OpenCount)),
  /** Who did not tell what its outbox keeps. */
  silent: repeated(field(2, Silent)),
});

/**
 * What people and their tools do about transactions; every process that begins some serves it, and each of them knows the
 * transactions of all. What changes something is audited.
 */
export const TransactionAdmin = service("mortise.transaction.v1.TransactionAdmin", {
  list: rpc(TransactionQuery, TransactionList, { readOnly: true }),
  /** NOT_FOUND for a gid that neither the coordinator nor a participant knows. */
  show: rpc(Gid, TransactionView, { readOnly: true }),
  /** The input it was begun with, decoded. UNAVAILABLE from a process that does not begin transactions of this name. */
  input: rpc(Gid, TransactionInput, { readOnly: true }),
  counts: rpc(Empty, OpenCounts, { readOnly: true }),
  /** All that happened to some transactions, one after the other. At most 100 gids. */
  export: rpc(ExportRequest, History, { readOnly: true }),
  /** Makes it due at once, and what of it waits in an outbox, given up or not. What is paused stays so, and is named. */
  retry: rpc(ActRequest, Acted, { idempotent: true }),
  /**
   * Nobody takes it on until it is resumed, and nothing of it is handed on out of an outbox. Who works on it now goes on, and
   * what is under way may still be done.
   */
  pause: rpc(ActRequest, Acted, { idempotent: true }),
  resume: rpc(ActRequest, Acted, { idempotent: true }),
  /** Decides what is undecided. FAILED_PRECONDITION for what is decided otherwise or cannot be had. */
  force: rpc(ForceRequest, Forced, { idempotent: true }),
  /** Ends what is decided, or has one branch of it count as done, whatever its branches say; the reason is kept with it. */
  close: rpc(CloseRequest, Acted),
  /** Tells where participants have something else than was decided, as after a restored backup. Changes nothing. */
  reconcile: rpc(ReconcileRequest, Reconciliation, { readOnly: true }),
  sweep: rpc(AdminSweepRequest, SweepReport, { idempotent: true }),
});
