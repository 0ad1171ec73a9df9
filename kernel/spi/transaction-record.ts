import { StatusError } from "../call/status.ts";
import type { AbortReason, NewTransaction, TransactionStatus } from "./coordinator.ts";

/** Statuses of transactions somebody still has to work on. */
export const openStatuses: readonly TransactionStatus[] = ["active", "committing", "aborting"];

export function isStatus(text: string): text is TransactionStatus {
  return text === "committed" || text === "aborted" || openStatuses.some((status) => status === text);
}

export function hasEnded(status: TransactionStatus): boolean {
  return status === "committed" || status === "aborted";
}

/** What a transaction is once there is nothing left to do; undefined while it is undecided, or when it has ended. */
export function endOf(status: TransactionStatus): TransactionStatus | undefined {
  if (status === "committing") return "committed";
  return status === "aborting" ? "aborted" : undefined;
}

/**
 * How long an abort that was written where nothing was begun waits for a late begin, in milliseconds. It has no name and no
 * branches, so nobody takes it on; it ends by itself.
 */
export const unbegunMs = 30_000;

/** Why a transaction is aborted that a participant asks about and nobody has begun. */
export const orphan: AbortReason = {
  reason: "ORPHAN",
  message: "a participant asked about it before it was begun",
  step: "",
  details: {},
};

/** Why a transaction is aborted that a participant asks about when it should have been decided long ago. */
export const overdue: AbortReason = {
  reason: "DEADLINE",
  message: "it was not decided in time, and a participant asked about it",
  step: "",
  details: {},
};

/** Why a transaction is aborted when who aborts it gives no reason. */
export const interrupted: AbortReason = { reason: "INTERRUPTED", message: "it was aborted", step: "", details: {} };

/** The gid before all others, to begin a listing with that goes on from gid to gid. */
export const beforeAll = "00000000-0000-0000-0000-000000000000";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Throws INVALID_ARGUMENT for what is no id of a transaction. */
export function checkGid(gid: string): void {
  if (!uuid.test(gid))
    throw new StatusError("INVALID_ARGUMENT", `"${gid}" is no id of a transaction; use a UUID in lower case`);
}

/** Throws INVALID_ARGUMENT for what cannot be begun. */
export function checkBegun({ gid, name, deadlineMs, past }: NewTransaction): void {
  checkGid(gid);
  if (name === "") throw new StatusError("INVALID_ARGUMENT", `the transaction ${gid} has no name`);
  if (deadlineMs !== undefined && !(deadlineMs >= 0))
    throw new StatusError("INVALID_ARGUMENT", `the deadline of ${name} is ${deadlineMs} ms; at least 0`);
  if (past && !(past.ageMs >= 0))
    throw new StatusError("INVALID_ARGUMENT", `the age of ${name} is ${past.ageMs} ms; at least 0`);
}
