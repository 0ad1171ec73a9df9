import { type Metadata, noMetadata } from "./metadata.ts";

/** The canonical codes of gRPC with their numbers on the wire (grpc.io, "Status codes and their use in gRPC"). */
export const statusCodes = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

export type StatusCode = keyof typeof statusCodes;
export type ErrorCode = Exclude<StatusCode, "OK">;

const names = Object.keys(statusCodes) as StatusCode[];

/** The name of a wire number; UNKNOWN for numbers gRPC does not define. */
export function statusName(number: number): StatusCode {
  return names[number] ?? "UNKNOWN";
}

export interface StatusErrorOptions {
  /** Why, for programs: UPPER_SNAKE, stable, unique within the service. */
  readonly reason?: string;
  /** Facts for programs; values are shown to callers, so no secrets. */
  readonly details?: Readonly<Record<string, string>>;
  /** Whether the same request may succeed when tried again later. Default: only for UNAVAILABLE. */
  readonly retryable?: boolean;
  /** Set when the request provably never reached a handler, so that trying again is always safe. */
  readonly neverSent?: boolean;
  /** Trailers that came, or go, with the error. */
  readonly trailers?: Metadata;
  readonly cause?: unknown;
}

/** The only error a call ends with. Every protocol carries `code`, `message`, `reason`, `details` and `retryable`. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly code: ErrorCode;
  readonly reason: string | undefined;
  readonly details: Readonly<Record<string, string>>;
  readonly retryable: boolean;
  /** Known only where the error arose; not carried on the wire. */
  readonly neverSent: boolean;
  /** Trailers of the reply that carries this error. A server sends those of its handler, never those of a nested call. */
  readonly trailers: Metadata;

  constructor(code: ErrorCode, message: string, options: StatusErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.reason = options.reason;
    this.details = options.details ?? {};
    this.retryable = options.retryable ?? code === "UNAVAILABLE";
    this.neverSent = options.neverSent ?? false;
    this.trailers = options.trailers ?? noMetadata;
  }
}

/** The status of whatever was thrown: OK for nothing, UNKNOWN for anything that is not a StatusError. */
export function codeOf(error: unknown): StatusCode {
  if (error === undefined) return "OK";
  return error instanceof StatusError ? error.code : "UNKNOWN";
}
