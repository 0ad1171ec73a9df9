import { StatusError } from "../call/status.ts";

/** The same error, which no longer says that the call never left: an earlier or another attempt of it did. */
export function withoutNeverSent(error: unknown): unknown {
  if (!(error instanceof StatusError) || !error.neverSent) return error;
  const { code, message, reason, details, retryable, trailers } = error;
  return new StatusError(code, message, {
    ...(reason !== undefined && { reason }),
    details,
    retryable,
    trailers,
    cause: error,
  });
}
