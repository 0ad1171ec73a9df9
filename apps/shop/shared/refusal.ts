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

/** Detail of a refusal: the same is safe to ask for again under its request id only. */
export const sameKey = { repeat: "same-key" } as const;

/** Detail of a refusal: its request id has this answer for good; the same may be asked for again under another. */
export const newKey = { repeat: "new-key" } as const;

/** Refuses one field of a request: INVALID_ARGUMENT, BAD_FIELD. */
export function badField(field: string, message: string): StatusError {
  return refusal("INVALID_ARGUMENT", "BAD_FIELD", message, { field });
}
