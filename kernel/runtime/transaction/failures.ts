import type { DriveReply } from "../../contract/transaction/participant.ts";
import type { AbortReason, PlannedBranch } from "../../spi/coordinator.ts";
import type { Forward } from "../../spi/transaction.ts";

/** A branch that will not go forward. */
export type Failed = Exclude<Forward, { readonly done: true }>;

/** @param certain it was said no; otherwise an answer may have been lost */
export function failed(abort: AbortReason, certain = false): Failed {
  return { done: false, abort, certain };
}

/** Codes after which the same request may succeed, or may have. */
export const passing: ReadonlySet<string> = new Set([
  "UNAVAILABLE",
  "DEADLINE_EXCEEDED",
  "RESOURCE_EXHAUSTED",
  "ABORTED",
  "CANCELLED",
  "UNKNOWN",
]);

/** A reason of the platform's own, told of the first step of the branch. */
export function reasonOf(reason: string, message: string, branch?: PlannedBranch): AbortReason {
  return { reason, message, step: branch?.steps[0]?.step ?? "", details: {} };
}

/** What a reply says about a branch that did not go forward; nothing where it is done, or may be by asking again. */
export function failureIn(reply: DriveReply, branch: PlannedBranch): Failed | undefined {
  const { outcome, note } = reply;
  if (outcome === "rejected") return failed(refusalIn(reply, branch), true);
  if (outcome === "refused") return failed(reasonOf("INTERRUPTED", note, branch), true);
  return outcome === "heuristic" ? failed(reasonOf("HEURISTIC", note, branch)) : undefined;
}

function refusalIn({ refusal, note }: DriveReply, branch: PlannedBranch): AbortReason {
  if (!refusal) return reasonOf("REJECTED", note, branch);
  const { step, reason, message, details } = refusal;
  return { step, reason, message, details: Object.fromEntries(details) };
}
