import { Buffer } from "node:buffer";
import type { Scalar } from "../types.ts";
import type { JsonValue } from "./value.ts";

/** A checked value of a scalar type in proto3's JSON mapping. */
export function scalarToJson(value: unknown): JsonValue {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (value instanceof Uint8Array) return bytesToBase64(value);
  return value as JsonValue;
}

export function bytesToBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

const jsonNumber = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const integer = /^-?(0|[1-9]\d*)$/;
const base64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
const notNumbers: ReadonlyMap<string, number> = new Map([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
]);

/** The value a piece of JSON stands for, still to be checked for its range; undefined where it is of a wrong kind. */
export function scalarFromJson(scalar: Scalar, json: JsonValue): unknown {
  switch (scalar) {
    case "bool":
    case "string":
      return json;
    case "bytes":
      return typeof json === "string" && base64.test(json) ? new Uint8Array(Buffer.from(json, "base64")) : undefined;
    case "double":
      return floating(json);
    case "float": {
      const value = floating(json);
      return value !== undefined && Number.isFinite(Math.fround(value)) ? Math.fround(value) : value;
    }
    case "int64":
    case "uint64":
    case "sint64":
    case "fixed64":
    case "sfixed64":
      return bigInteger(json);
    default:
      return typeof json === "number" ? json : decimal(json);
  }
}

/** The key of a map entry: JSON has only texts. */
export function keyFromJson(scalar: Scalar, text: string): unknown {
  if (scalar === "bool") return text === "true" ? true : text === "false" ? false : undefined;
  return scalarFromJson(scalar, text);
}

function decimal(json: JsonValue): number | undefined {
  return typeof json === "string" && jsonNumber.test(json) ? Number(json) : undefined;
}

function floating(json: JsonValue): number | undefined {
  if (typeof json === "number") return json;
  if (typeof json !== "string") return undefined;
  const value = notNumbers.get(json) ?? decimal(json);
  // A finite text that only an infinity could hold is out of range.
  return value !== undefined && !Number.isFinite(value) && !notNumbers.has(json) ? undefined : value;
}

/** Numbers that JSON.parse may have rounded are refused: they must be given as texts. */
function bigInteger(json: JsonValue): bigint | undefined {
  if (typeof json === "string" && integer.test(json) && json.length <= 20) return BigInt(json);
  const value = typeof json === "number" ? json : decimal(json);
  return value !== undefined && Number.isSafeInteger(value) ? BigInt(value) : undefined;
}
