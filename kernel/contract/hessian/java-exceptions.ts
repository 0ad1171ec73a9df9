import type { Metadata } from "../../call/metadata.ts";
import { type ErrorCode, StatusError } from "../../call/status.ts";
import { HessianObject, type HessianValue } from "./value.ts";

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

/** An exception of Java's that came in: its class, which is only text, and what it says. */
export interface JavaException {
  readonly className: string;
  readonly message: string;
  readonly fields: ReadonlyMap<string, HessianValue>;
}

/** What an exception says; a GenericException stands for the one it names. */
export function readException(thrown: HessianValue): JavaException {
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

/** The error that an exception stands for: by its class, with its plain fields as details; `exceptions` are classes by reason. */
export function errorOfJava(
  { className, message, fields }: JavaException,
  exceptions: Readonly<Record<string, string>>,
  trailers?: Metadata,
): StatusError {
  const simple = className.slice(Math.max(className.lastIndexOf("."), className.lastIndexOf("$")) + 1);
  const mirrored = Object.entries(exceptions).find(([, name]) => name === className)?.[0];
  return new StatusError(codeOfException[simple] ?? "UNKNOWN", message, {
    reason: mirrored ?? reasonOf(simple),
    details: { exception: className, ...plainFields(fields) },
    ...(trailers && { trailers }),
  });
}
