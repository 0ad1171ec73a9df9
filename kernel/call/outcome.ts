import type { Method } from "../contract/types.ts";
import type { Log } from "../core/plugin.ts";
import type { Ids } from "../core/ports.ts";
import type { Context } from "./context.ts";
import { isStoreLost } from "./lost-store.ts";
import type { Metadata } from "./metadata.ts";
import { type ErrorCode, StatusError, statusCodes } from "./status.ts";

/** A status as plain data, for protocols that carry errors as JSON or the like. */
export interface StatusData {
  readonly code: ErrorCode;
  readonly message: string;
  readonly reason?: string;
  readonly details?: Readonly<Record<string, string>>;
  /** Only where it differs from what the code says. */
  readonly retryable?: boolean;
}

/** All that travels of an error: not its cause, its stack or whether it was sent. */
export function statusData({ code, message, reason, details, retryable }: StatusError): StatusData {
  return {
    code,
    message,
    ...(reason !== undefined && { reason }),
    ...(Object.keys(details).length > 0 && { details }),
    ...(retryable !== (code === "UNAVAILABLE") && { retryable }),
  };
}

/** The error that was sent as {@link StatusData}. Anything else, as a broken peer may send, gives UNKNOWN. */
export function statusFromData(data: unknown, trailers?: Metadata): StatusError {
  const given = (typeof data === "object" && data !== null ? data : {}) as Readonly<Record<string, unknown>>;
  const { code, message, reason, details, retryable } = given;
  return new StatusError(isErrorCode(code) ? code : "UNKNOWN", typeof message === "string" ? message : "", {
    ...(typeof reason === "string" && { reason }),
    ...(typeof details === "object" && details !== null && { details: textsOf(details) }),
    ...(typeof retryable === "boolean" && { retryable }),
    ...(trailers && { trailers }),
  });
}

/**
 * The error as it leaves a server: the same status with the handler's trailers in place of those of a nested call, and
 * without `neverSent`, for this request has been handled.
 */
export function asReplied(error: StatusError, trailers: Metadata): StatusError {
  if (!error.neverSent && error.trailers === trailers) return error;
  const { code, message, reason, details, retryable } = error;
  return new StatusError(code, message, {
    ...(reason !== undefined && { reason }),
    details,
    retryable,
    trailers,
    cause: error,
  });
}

/**
 * The status of what a handler threw. After a cancellation whatever was thrown counts as that; a store that did not answer
 * is UNAVAILABLE. Anything else but a StatusError is a bug: it becomes INTERNAL with an id, and the log has the rest.
 */
export function handlerError(
  error: unknown,
  method: Method,
  context: Context,
  { log, ids }: { readonly log: Log; readonly ids: Ids },
): StatusError {
  if (error instanceof StatusError) return error;
  const { cancelled } = context;
  if (cancelled) return cancelled;
  if (isStoreLost(error)) {
    log.warn(`the store of ${method.path} did not answer`, { reason: String(error) });
    return new StatusError("UNAVAILABLE", "the store did not answer", { reason: "STORE_LOST", cause: error });
  }
  const id = ids.hex(8);
  log.error(`the handler of ${method.path} failed`, { errorId: id, error });
  return internalError(id);
}

/** What a caller is told of a bug: the id under which the log has the rest. */
export function internalError(errorId: string, cause?: unknown): StatusError {
  return new StatusError("INTERNAL", `internal error ${errorId}`, { reason: "INTERNAL", details: { errorId }, cause });
}

/** The status of what a call failed with, where something other than a StatusError can only be a mistake of a plugin. */
export function asStatusError(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new StatusError("INTERNAL", message, { cause: error });
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && code !== "OK" && Object.hasOwn(statusCodes, code);
}

function textsOf(details: object): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(details).filter(([, value]) => typeof value === "string"));
}
