import { asReplied } from "../call/outcome.ts";
import { StatusError } from "../call/status.ts";

/** The same error, which no longer says that the call never left: an earlier or another attempt of it did. */
export function withoutNeverSent(error: unknown): unknown {
  return error instanceof StatusError ? asReplied(error, error.trailers) : error;
}
