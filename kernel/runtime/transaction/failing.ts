import { internalError } from "../../call/outcome.ts";
import { StatusError } from "../../call/status.ts";
import type { DriveReply, DriveRequest } from "../../contract/transaction/participant.ts";
import type { Log } from "../../core/plugin.ts";
import { isLost, sqlState } from "./fence.ts";

/** How a branch that came over the bus is acknowledged while it fails: it is not done, and will be tried again. */
export const failing = "failed";

/** What whoever sent a branch over the bus is told of an error, to be shown to people. */
export function failedReply(error: unknown): DriveReply {
  return { outcome: failing, results: [], note: reasonIn(error) };
}

/** Whether it was no operation that failed: nobody knows whether it was done, or it is still being done. */
export function isUncertain(error: unknown): boolean {
  return isLost(error) || (error instanceof StatusError && error.cause !== undefined && isLost(error.cause));
}

/** Why it failed, for people: of a statement what the database said to it, and not the statement. */
export function reasonIn(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  return cause !== undefined && sqlState(cause) !== "" ? reasonIn(cause) : message;
}

export interface Scribe {
  readonly participant: string;
  readonly log: Log | undefined;
  /**
   * The id under which what is no status is written down; it is told as INTERNAL with that id then, so that the server need
   * not write it down once more. Undefined: it is told as it is.
   */
  readonly errorId?: () => string | undefined;
}

/** Writes down each failure of what is done for a request, with all that tells which. A refusal that is declared is none. */
export async function writingDown<T>(
  { gid, branch, transaction, strategy, action, steps }: DriveRequest,
  { participant, log, errorId }: Scribe,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isUncertain(error)) throw error;
    const id = error instanceof StatusError ? undefined : errorId?.();
    const operation = steps.map((step) => step.operation).join(" ");
    const facts = { gid, transaction, strategy, branch, participant, operation, action };
    log?.error("a branch failed", { ...(id && { errorId: id }), ...facts, reason: reasonIn(error), error });
    throw id === undefined ? error : internalError(id, error);
  }
}
