import { StatusError } from "../../call/status.ts";
import type { Silent } from "./ask-all.ts";

/** What was asked cannot be meant. */
export function invalid(what: string): StatusError {
  return new StatusError("INVALID_ARGUMENT", what);
}

/** What was asked cannot be had of a transaction as it stands. */
export function notNow(reason: string, what: string): StatusError {
  return new StatusError("FAILED_PRECONDITION", what, { reason });
}

/** @param silent participants that did not tell whether they know it */
export function noTransaction(gid: string, silent: readonly Silent[] = []): StatusError {
  const untold = silent.map(({ participant }) => participant).join(", ");
  const what = untold === "" ? "" : ` as far as is known: ${untold} did not tell`;
  return new StatusError("NOT_FOUND", `there is no transaction ${gid}${what}`, { reason: "NO_SUCH_TRANSACTION" });
}

/** Nothing can be done about it yet but to retry it. */
export function onlyInOutbox(gid: string, keptBy: string): StatusError {
  const where = `the transaction ${gid} is decided, and so far only in the outbox of ${keptBy}, which goes on with it`;
  const when = "the coordinator hears of it when it is handed on again, or by a pause, and then this can be done";
  return notNow("ONLY_IN_OUTBOX", `${where}; ${when}`);
}

/** @param there the branches there are, in words */
export function noBranch(gid: string, branch: string, there: string): StatusError {
  return new StatusError("NOT_FOUND", `the transaction ${gid} has no branch "${branch}"; it has ${there}`, {
    reason: "NO_SUCH_BRANCH",
  });
}

/** Another process begins such transactions, and may be asked at once. */
export function begunElsewhere(name: string): StatusError {
  return new StatusError("UNAVAILABLE", `this process does not begin ${name}; ask one that does`, {
    reason: "BEGUN_ELSEWHERE",
    retryable: true,
  });
}
