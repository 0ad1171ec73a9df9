import { bool, bytes, field, int32, int64, map, optional, repeated, string } from "../fields.ts";
import { message } from "../message.ts";
import { rpc, service } from "../service.ts";
import type { Infer } from "../types.ts";
import { Empty } from "../well-known.ts";

/** One operation of a branch, with its input as bytes of its message. */
export const DriveStep = message("mortise.transaction.v1.DriveStep", {
  step: string(1),
  operation: string(2),
  version: int32(3),
  input: bytes(4),
});

/** Asks a participant to take one branch of a transaction further. */
export const Drive = message("mortise.transaction.v1.Drive", {
  gid: string(1),
  branch: string(2),
  /** One of `actions`. */
  action: string(3),
  strategy: string(4),
  transaction: string(5),
  /** Empty where the participant remembers them. */
  steps: repeated(field(6, DriveStep)),
  /** Tells coordinators apart: whom the participant may ask how it was decided. */
  coordinator: optional(string(7)),
  /**
   * Of the input of a transaction that was begun under a key and has no record to be compared with: kept with what is done,
   * and told with the answer to a repetition. SHA-256.
   */
  inputHash: optional(bytes(8)),
  /** What it does follows from something that is committed: whoever has begun it waits to be asked again, and asks nobody. */
  asksNobody: optional(bool(9)),
});

export const DriveResult = message("mortise.transaction.v1.DriveResult", { step: string(1), output: bytes(2) });

/** Why an operation said no. */
export const Refusal = message("mortise.transaction.v1.Refusal", {
  step: string(1),
  reason: string(2),
  message: string(3),
  details: map("string", string(4)),
});

/** How a drive ended. */
export const Driven = message("mortise.transaction.v1.Driven", {
  /** One of `drivenOutcomes`. */
  outcome: string(1),
  results: repeated(field(2, DriveResult)),
  /** Set when the outcome is `rejected`. */
  refusal: field(3, Refusal),
  /** More about it, for people. */
  note: string(4),
  /** Where it was done before: the `inputHash` it was done with. */
  inputHash: optional(bytes(5)),
});

/** What is known of one branch where it was done. */
export const FenceRow = message("mortise.transaction.v1.FenceRow", {
  branch: string(1),
  slot: string(2),
  kind: string(3),
  strategy: string(4),
  operations: string(5),
  /** Milliseconds since 1970. */
  createdAt: int64(6),
});

/** A message that waits in the outbox of a participant. */
export const OutboxRow = message("mortise.transaction.v1.OutboxRow", {
  branch: string(1),
  state: string(2),
  attempts: int32(3),
  lastError: string(4),
  /** When it is handed on again, in milliseconds since 1970. */
  nextAt: int64(5),
  /** Who is to do it. */
  participant: optional(string(6)),
  steps: repeated(string(7)),
});

/** Which transactions of an outbox. What is empty or 0 does not narrow. */
export const OutboxQuery = message("mortise.transaction.v1.OutboxQuery", {
  gid: string(1),
  name: string(2),
  strategy: string(3),
  /** At least so old, in milliseconds. */
  olderThanMs: int64(4),
  /** Goes on after these: `next` of the answer before. */
  after: string(5),
  /** At most so many, the oldest first; 0: 500. */
  limit: int32(6),
  /** The participant that is to be told. */
  to: optional(string(7)),
});

/** A transaction of which branches wait in the outbox of the participant that has done the first. */
export const OutboxTransaction = message("mortise.transaction.v1.OutboxTransaction", {
  gid: string(1),
  name: string(2),
  version: int32(3),
  strategy: string(4),
  /** When the first branch was done, in milliseconds since 1970. */
  createdAt: int64(5),
  /** When something of it is handed on again; 0: never. */
  nextAt: int64(6),
  /** Of the branch that was handed on most often. */
  attempts: int32(7),
  lastError: string(8),
  /** A branch was handed on as often as it may be. */
  givenUp: bool(9),
  trace: string(10),
  /** It is handed on by a schedule, however long that is. */
  scheduled: bool(11),
  /** Since the first branch was done, in milliseconds by the clock of the database. */
  ageMs: int64(12),
  /** Nothing of it is handed on until it is resumed. */
  paused: optional(bool(13)),
});

export const OutboxTransactions = message("mortise.transaction.v1.OutboxTransactions", {
  transactions: repeated(field(1, OutboxTransaction)),
  /** Where to go on; empty: that was all. */
  next: string(2),
});

export const Inspected = message("mortise.transaction.v1.Inspected", {
  fence: repeated(field(1, FenceRow)),
  /** Names of prepared transactions that wait for the decision. */
  prepared: repeated(string(2)),
  outbox: repeated(field(3, OutboxRow)),
});

export const Gid = message("mortise.transaction.v1.Gid", { gid: string(1) });

/** One branch of a transaction. */
export const BranchOf = message("mortise.transaction.v1.BranchOf", { gid: string(1), branch: string(2) });

export const Gids = message("mortise.transaction.v1.Gids", { gids: repeated(string(1)) });

/** What the fence knows of one side of a branch. */
export const Fenced = message("mortise.transaction.v1.Fenced", {
  gid: string(1),
  branch: string(2),
  slot: string(3),
  kind: string(4),
});

/** What is known of many transactions where they were done. */
export const Fences = message("mortise.transaction.v1.Fences", {
  rows: repeated(field(1, Fenced)),
  /** Names of prepared transactions that wait for the decision. */
  prepared: repeated(string(2)),
});

/** Whether what of a transaction waits in an outbox is to be handed on. */
export const OutboxPause = message("mortise.transaction.v1.OutboxPause", { gid: string(1), paused: bool(2) });

/** How many rows of an outbox that was done to. */
export const Woken = message("mortise.transaction.v1.Woken", { rows: int32(1) });

export const ManifestOperation = message("mortise.transaction.v1.ManifestOperation", {
  name: string(1),
  version: int32(2),
  /** The lowest version that may be asked to begin something; one that does not say takes none but its own. */
  accepts: optional(int32(3)),
});

/** What a participant can do, and what its database allows. */
export const Manifest = message("mortise.transaction.v1.Manifest", {
  operations: repeated(field(1, ManifestOperation)),
  /** Tells databases apart: the system identifier of the server and the name of the database. */
  database: string(2),
  /** `max_prepared_transactions` of the server. */
  preparedTransactions: int32(3),
  defaultIsolation: string(4),
  fenceVersion: int32(5),
  /** Tells coordinators apart: the one this participant asks. */
  coordinator: optional(string(6)),
});

/** A branch that could not be brought to its end, and why. */
export const SweepFailure = message("mortise.transaction.v1.SweepFailure", {
  gid: string(1),
  branch: string(2),
  why: string(3),
});

/** Prepared transactions and reservations nobody has asked about for long. */
export const Orphans = message("mortise.transaction.v1.Orphans", {
  gids: repeated(string(1)),
  /** Of these, how many were brought to an end. */
  ended: int32(2),
  /** Held for another coordinator than the one that is asked here, which knows nothing of them: left alone. */
  foreign: repeated(string(3)),
  /** Found again at the next sweep. */
  failed: repeated(field(4, SweepFailure)),
  /** A person has closed these transactions: left alone. */
  closed: repeated(string(5)),
  /** There are younger ones, which are found once some of these have ended. */
  more: optional(bool(6)),
});

export const SweepRequest = message("mortise.transaction.v1.SweepRequest", {
  /** Only tell what would be done. */
  reportOnly: bool(1),
  /** Leave alone what is younger, in milliseconds. */
  olderThanMs: int32(2),
  /** Take back what another coordinator keeps as well: a person says that it is gone for good. */
  foreign: optional(bool(3)),
  /** End as well what a person has closed, as its transaction was decided. */
  closed: optional(bool(4)),
});

export type DriveRequest = Infer<typeof Drive>;
export type DriveReply = Infer<typeof Driven>;

/** How transactions reach the operations called `name`. */
export function participantService(name: string) {
  return service(name, {
    drive: rpc(Drive, Driven, { idempotent: true, criticality: "high" }),
    inspect: rpc(Gid, Inspected, { readOnly: true }),
    /** Transactions of which something waits in the outbox. */
    outbox: rpc(OutboxQuery, OutboxTransactions, { readOnly: true }),
    /** Makes due at once what of a transaction waits in the outbox, also what was given up, and nothing that is paused. */
    wake: rpc(Gid, Woken, { idempotent: true }),
    /**
     * Has nothing of a transaction handed on out of the outbox until it is resumed, which makes all of it due; the coordinator
     * has a record of what is paused. What is under way at that moment may still be done.
     */
    pause: rpc(OutboxPause, Woken, { idempotent: true }),
    /** Takes a branch out of the outbox that a person has settled by other means. */
    release: rpc(BranchOf, Woken, { idempotent: true }),
    /** What the fence has of many transactions, to be compared with what was decided. */
    fences: rpc(Gids, Fences, { readOnly: true }),
    manifest: rpc(Empty, Manifest, { readOnly: true }),
    sweep: rpc(SweepRequest, Orphans, { idempotent: true }),
  });
}
