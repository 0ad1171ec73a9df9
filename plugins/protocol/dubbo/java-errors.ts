import { type ErrorCode, type Metadata, StatusError, statusFromData } from "@mortise/kernel";
import { HessianObject, type HessianValue } from "@mortise/kernel/hessian";

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

const codeOfException: Readonly<Record<string, ErrorCode>> = {
  IllegalArgumentException: "INVALID_ARGUMENT",
  ConstraintViolationException: "INVALID_ARGUMENT",
  ValidationException: "INVALID_ARGUMENT",
  NoSuchElementException: "NOT_FOUND",
  UnsupportedOperationException: "UNIMPLEMENTED",
  SecurityException: "PERMISSION_DENIED",
  IllegalStateException: "FAILED_PRECONDITION",
  TimeoutException: "DEADLINE_EXCEEDED",
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
  const { className, message, fields } = readException(thrown);
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
  const simple = className.slice(Math.max(className.lastIndexOf("."), className.lastIndexOf("$")) + 1);
  if (simple === "RpcException") {
    return new StatusError(codeOfRpc[Number(fields.get("code"))] ?? "UNKNOWN", message, { trailers });
  }
  const known = codeOfException[simple];
  const mirrored = Object.entries(exceptions).find(([, name]) => name === className)?.[0];
  const details = { exception: className, ...plainFields(fields) };
  return new StatusError(known ?? "UNKNOWN", message, { reason: mirrored ?? reasonOf(simple), details, trailers });
}

interface JavaException {
  readonly className: string;
  readonly message: string;
  readonly fields: ReadonlyMap<string, HessianValue>;
}

function readException(thrown: HessianValue): JavaException {
  if (!(thrown instanceof HessianObject))
    return { className: "java.lang.Throwable", message: String(thrown), fields: new Map() };
  const { className, fields } = thrown;
  if (className.endsWith(".GenericException")) {
    const of = fields.get("exceptionClass");
    return {
      className: typeof of === "string" ? of : className,
      message: textOf(fields.get("exceptionMessage")),
      fields,
    };
  }
  return { className, message: textOf(fields.get("detailMessage")), fields };
}

function textOf(value: HessianValue | undefined): string {
  return typeof value === "string" ? value : "";
}

/** `OutOfStockException` as `OUT_OF_STOCK`. */
function reasonOf(simpleName: string): string {
  const words = simpleName.replace(/(Exception|Error)$/, "") || simpleName;
  return words.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase();
}

const throwableFields: ReadonlySet<string> = new Set([
  "detailMessage",
  "cause",
  "stackTrace",
  "suppressedExceptions",
  "exceptionClass",
  "exceptionMessage",
]);

/** What an exception says beside its message, as far as it is plain. */
function plainFields(fields: ReadonlyMap<string, HessianValue>): Readonly<Record<string, string>> {
  const plain = [...fields].filter(
    ([name, value]) => !throwableFields.has(name) && ["string", "number", "bigint", "boolean"].includes(typeof value),
  );
  return Object.fromEntries(plain.map(([name, value]) => [name, String(value)]));
}

function parsed(json: HessianValue | undefined): unknown {
  if (typeof json !== "string") return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
