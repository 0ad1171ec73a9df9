import { STATUS_CODES } from "node:http";
import { type ErrorCode, type Metadata, StatusError, statusData, statusFromData } from "@mortise/kernel";

export const problemType = "application/problem+json";

/** HTTP's word for each code, as google.rpc.Code documents it. */
const statuses: Readonly<Record<ErrorCode, number>> = {
  CANCELLED: 499,
  UNKNOWN: 500,
  INVALID_ARGUMENT: 400,
  DEADLINE_EXCEEDED: 504,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  PERMISSION_DENIED: 403,
  RESOURCE_EXHAUSTED: 429,
  FAILED_PRECONDITION: 400,
  ABORTED: 409,
  OUT_OF_RANGE: 400,
  UNIMPLEMENTED: 501,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DATA_LOSS: 500,
  UNAUTHENTICATED: 401,
};

/** What a status means that comes without a problem, from a proxy perhaps (gRPC, "HTTP to gRPC Status Code Mapping"). */
const codes: Readonly<Record<number, ErrorCode>> = {
  400: "INTERNAL",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "UNIMPLEMENTED",
  413: "RESOURCE_EXHAUSTED",
  429: "UNAVAILABLE",
  502: "UNAVAILABLE",
  503: "UNAVAILABLE",
  504: "UNAVAILABLE",
};

/** An error whose status HTTP knows better than its code. */
export class HttpError extends StatusError {
  readonly status: number;

  constructor(status: number, code: ErrorCode, reason: string, message: string) {
    super(code, message, { reason });
    this.status = status;
  }
}

export function httpStatus(error: StatusError): number {
  return error instanceof HttpError ? error.status : statuses[error.code];
}

/** An error as RFC 9457 has it, with all that a status carries in members of its own. */
export function problemOf(error: StatusError): object {
  const status = httpStatus(error);
  const { message, ...rest } = statusData(error);
  const title = STATUS_CODES[status] ?? "Client Closed Request";
  return { type: "about:blank", title, status, detail: message, ...rest };
}

/** The error a peer ended a call with, by its problem, or by the status alone. */
export function readProblem(problem: unknown, status: number, trailers?: Metadata): StatusError {
  if (typeof problem !== "object" || problem === null || !("code" in problem)) {
    const message = `the server answered ${status} ${STATUS_CODES[status] ?? ""}`.trim();
    return new StatusError(codes[status] ?? "UNKNOWN", message, trailers && { trailers });
  }
  const { detail } = problem as { readonly detail?: unknown };
  return statusFromData({ ...problem, message: detail }, trailers);
}
