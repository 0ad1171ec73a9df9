import { StatusError } from "../../call/status.ts";

/** What was asked cannot be meant. */
export function invalid(what: string): StatusError {
  return new StatusError("INVALID_ARGUMENT", what);
}

/** What was asked cannot be had of a transaction as it stands. */
export function notNow(reason: string, what: string): StatusError {
  return new StatusError("FAILED_PRECONDITION", what, { reason });
}

export function noTransaction(gid: string): StatusError {
  return new StatusError("NOT_FOUND", `there is no transaction ${gid}`, { reason: "NO_SUCH_TRANSACTION" });
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
