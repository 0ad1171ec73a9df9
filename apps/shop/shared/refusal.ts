import { type ErrorCode, StatusError } from "@mortise/kernel";

/** An answer that says no: `reason` is one of those listed at the contract, `details` are shown to the caller. */
export function refusal(
  code: ErrorCode,
  reason: string,
  message: string,
  details: Readonly<Record<string, string>> = {},
): StatusError {
  return new StatusError(code, message, { reason, details });
}

/** Refuses one field of a request: INVALID_ARGUMENT, BAD_FIELD. */
export function badField(field: string, message: string): StatusError {
  return refusal("INVALID_ARGUMENT", "BAD_FIELD", message, { field });
}
