import { type ErrorCode, type Metadata, StatusError, statusFromData } from "@mortise/kernel";
import { errorOfJava, HessianObject, type HessianValue, readException } from "@mortise/kernel/hessian";

/** Attachments that carry an exact status beside the exception that stands for it in Java. */
export const statusAttachments = Object.freeze({
  code: "mortise-status",
  message: "mortise-message",
  reason: "mortise-reason",
  details: "mortise-details",
  retryable: "mortise-retryable",
});

const rpcException = "org.apache.dubbo.rpc.RpcException";

/** `RpcException.code` (org.apache.dubbo.rpc.RpcException). */
const codeOfRpc: Readonly<Record<number, ErrorCode>> = {
  1: "UNAVAILABLE",
  2: "DEADLINE_EXCEEDED",
  4: "PERMISSION_DENIED",
  5: "INTERNAL",
  6: "UNAVAILABLE",
  7: "RESOURCE_EXHAUSTED",
  8: "DEADLINE_EXCEEDED",
};

const rpcOfCode: Partial<Readonly<Record<ErrorCode, number>>> = {
  UNAVAILABLE: 1,
  DEADLINE_EXCEEDED: 2,
  PERMISSION_DENIED: 4,
  UNAUTHENTICATED: 4,
  RESOURCE_EXHAUSTED: 7,
};

/** The exception that Java throws for an error: the one its reason stands for, or Dubbo's own. */
export function exceptionOf(error: StatusError, exceptions: Readonly<Record<string, string>>): HessianObject {
  const named = error.reason !== undefined && Object.hasOwn(exceptions, error.reason) && exceptions[error.reason];
  const fields = new Map<string, HessianValue>();
  if (!named) fields.set("code", rpcOfCode[error.code] ?? 0);
  fields.set("detailMessage", error.message);
  return new HessianObject(named || rpcException, fields);
}

/** Adds the exact status to the attachments of a response. */
export function attachStatus(error: StatusError, attachments: Map<string, HessianValue>): void {
  attachments.set(statusAttachments.code, error.code);
  if (error.reason !== undefined) attachments.set(statusAttachments.reason, error.reason);
  const details = Object.entries(error.details);
  if (details.length > 0) attachments.set(statusAttachments.details, JSON.stringify(error.details));
  if (error.retryable !== (error.code === "UNAVAILABLE"))
    attachments.set(statusAttachments.retryable, String(error.retryable));
}

/** The error that an exception stands for; exact where the attachments say so. */
export function errorOfException(
  thrown: HessianValue,
  attachments: ReadonlyMap<HessianValue, HessianValue>,
  trailers: Metadata,
  exceptions: Readonly<Record<string, string>>,
): StatusError {
  const exception = readException(thrown);
  const { className, message, fields } = exception;
  const code = attachments.get(statusAttachments.code);
  if (typeof code === "string") {
    const reason = attachments.get(statusAttachments.reason);
    const retryable = attachments.get(statusAttachments.retryable);
    const details = parsed(attachments.get(statusAttachments.details));
    return statusFromData(
      { code, message, reason, details, ...(typeof retryable === "string" && { retryable: retryable === "true" }) },
      trailers,
    );
  }
  if (className.endsWith(".RpcException")) {
    return new StatusError(codeOfRpc[Number(fields.get("code"))] ?? "UNKNOWN", message, { trailers });
  }
  return errorOfJava(exception, exceptions, trailers);
}

function parsed(json: HessianValue | undefined): unknown {
  if (typeof json !== "string") return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
