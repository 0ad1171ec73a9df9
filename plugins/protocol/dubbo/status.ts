import { type ErrorCode, StatusError } from "@mortise/kernel";
import { frameStatus } from "./frame.ts";

const statusOfCode: Partial<Readonly<Record<ErrorCode, number>>> = {
  INVALID_ARGUMENT: frameStatus.badRequest,
  DEADLINE_EXCEEDED: frameStatus.serverTimeout,
  UNIMPLEMENTED: frameStatus.serviceNotFound,
  RESOURCE_EXHAUSTED: frameStatus.poolExhausted,
  INTERNAL: frameStatus.serverError,
};

const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  [frameStatus.serializationError]: "INTERNAL",
  [frameStatus.clientTimeout]: "DEADLINE_EXCEEDED",
  [frameStatus.serverTimeout]: "DEADLINE_EXCEEDED",
  [frameStatus.channelInactive]: "UNAVAILABLE",
  [frameStatus.badRequest]: "INVALID_ARGUMENT",
  [frameStatus.badResponse]: "INTERNAL",
  [frameStatus.serviceNotFound]: "UNIMPLEMENTED",
  [frameStatus.serverError]: "INTERNAL",
  [frameStatus.clientError]: "INTERNAL",
  [frameStatus.poolExhausted]: "RESOURCE_EXHAUSTED",
};

/** The status of a response with this error. Status 35 is left to requests that were refused before any handler saw them. */
export function frameStatusOf({ code, neverSent }: StatusError): number {
  if (neverSent && code === "UNAVAILABLE") return frameStatus.channelInactive;
  return statusOfCode[code] ?? frameStatus.serviceError;
}

/** What Dubbo says where it does not know the service or method that was asked for. */
const notExported = /not found exported service|No such (method|service)|\bparameterTypes=null\b/i;
/** Dubbo 3.3 answers a request for a service that it does not have with badRequest. */
const notFound: ReadonlySet<number> = new Set([frameStatus.serviceError, frameStatus.badRequest]);

/** The error of a response that says no more than a status and a text. */
export function errorOfStatus(status: number, message: string): StatusError {
  if (notFound.has(status) && notExported.test(message)) return new StatusError("UNIMPLEMENTED", message);
  const code = codeOfStatus[status] ?? "UNKNOWN";
  return new StatusError(code, message, { neverSent: status === frameStatus.channelInactive });
}
