import { type ErrorCode, StatusError } from "@mortise/kernel";

/** What a browser is told when a request fails (RFC 9457, "Problem Details for HTTP APIs"). */
export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly code: ErrorCode;
  /** UPPER_SNAKE, stable. */
  readonly reason: string;
  readonly details: Readonly<Record<string, string>>;
  /** What is wrong with which field of the request. */
  readonly errors?: Readonly<Record<string, string>>;
}

const statuses: Readonly<Record<ErrorCode, number>> = {
  CANCELLED: 499,
  UNKNOWN: 500,
  INVALID_ARGUMENT: 400,
  DEADLINE_EXCEEDED: 504,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  PERMISSION_DENIED: 403,
  RESOURCE_EXHAUSTED: 429,
  FAILED_PRECONDITION: 409,
  ABORTED: 409,
  OUT_OF_RANGE: 400,
  UNIMPLEMENTED: 501,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DATA_LOSS: 500,
  UNAUTHENTICATED: 401,
};

const titles: Readonly<Record<number, string>> = {
  400: "The request is not right",
  401: "Not logged in",
  402: "Not enough money",
  403: "Not allowed",
  404: "Not found",
  409: "Not possible as things are",
  413: "The request is too large",
  415: "Send JSON",
  429: "Too many requests",
  499: "The request was cancelled",
  500: "Something went wrong here",
  501: "Not available here",
  503: "Not available at the moment",
  504: "It took too long",
};

const reasonStatuses: Readonly<Record<string, number>> = {
  INSUFFICIENT_FUNDS: 402,
  BODY_TOO_LARGE: 413,
  NOT_JSON: 415,
};

/** The reason of the error for a request whose fields are wrong; its details are messages by field. */
export const badRequest = "BAD_REQUEST";

/** Tells an error the way HTTP does. Anything but a StatusError is a bug, and nothing of it is shown. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof StatusError)) return problemOf(new StatusError("INTERNAL", "This is our fault, not yours."));
  const { code, reason = code, message, details } = error;
  const status = reasonStatuses[reason] ?? statuses[code];
  const errors = fieldErrors(reason, message, details);
  const told = { status, title: titles[status] ?? "Error", detail: message, code, reason };
  return errors ? { ...told, details: {}, errors } : { ...told, details };
}

function fieldErrors(reason: string, message: string, details: Problem["details"]): Problem["details"] | undefined {
  if (reason === badRequest) return details;
  return details.field === undefined ? undefined : { [details.field]: message };
}
