import { StatusError } from "../../call/status.ts";
import type { MessageType } from "../types.ts";

/** The way to a value inside a message: property names, list positions, map keys. */
export type Path = (string | number | bigint | boolean | undefined)[];

/** `lines[2].sku`, `labels["a"]`; an undefined step is a key that must not be shown. */
export function pathText(path: Readonly<Path>): string {
  return path
    .map((step, i) => {
      if (step === undefined) return "[…]";
      if (typeof step === "string" && !step.startsWith('"')) return i === 0 ? step : `.${step}`;
      return `[${step}]`;
    })
    .join("");
}

/** A map key as a step of a path. */
export const keyStep = (key: unknown, sensitive: boolean): Path[number] =>
  sensitive ? undefined : typeof key === "string" ? JSON.stringify(key) : (key as number | bigint | boolean);

/** The INVALID_ARGUMENT of a value that is wrong at `path`. */
export function invalid(
  type: MessageType,
  path: Readonly<Path>,
  problem: string,
  reason = "INVALID_MESSAGE",
): StatusError {
  const field = pathText(path);
  return new StatusError("INVALID_ARGUMENT", `${type.name}${field === "" ? "" : `, field ${field}`}: ${problem}`, {
    reason,
    details: { message: type.name, field },
  });
}

/** What a value is, for an error: its content only where it is short and not sensitive. */
export function describe(value: unknown, sensitive: boolean): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "a list";
  switch (typeof value) {
    case "number":
      return sensitive ? "a number" : `the number ${value}`;
    case "bigint":
      return sensitive ? "a bigint" : `the bigint ${value}n`;
    case "object":
      return value.constructor?.name && value.constructor !== Object ? `a ${value.constructor.name}` : "an object";
    default:
      return `a ${typeof value}`;
  }
}
