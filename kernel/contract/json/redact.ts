import { type FieldLayout, layoutOf } from "../codec/layout.ts";
import { isOpaque } from "../opaque.ts";
import type { MessageType } from "../types.ts";
import type { Duration, Timestamp } from "../well-known.ts";
import { durationToText, timestampToText } from "./time-text.ts";
import type { JsonValue } from "./value.ts";

const hidden = "[redacted]";
const deepest = 20;

type Fields = Readonly<Record<string, unknown>>;

/**
 * A message as it may be logged: JSON, in which sensitive fields that are set read "[redacted]" and bytes give only
 * their number. Never throws; what is not a message of the type is described by its kind.
 */
export function redact<T>(type: MessageType<T>, value: T): JsonValue {
  try {
    return message(type, value, deepest);
  } catch {
    return `[unreadable ${type.name}]`;
  }
}

function message(type: MessageType, value: unknown, depth: number): JsonValue {
  if (isOpaque(type)) return `[${type.name}]`;
  if (typeof value !== "object" || value === null) return plain(value);
  if (depth === 0) return "[…]";
  if (type.name === "google.protobuf.Timestamp") return timestampToText(value as Timestamp) ?? "[out of range]";
  if (type.name === "google.protobuf.Duration") return durationToText(value as Duration) ?? "[out of range]";
  const entries = layoutOf(type).properties.flatMap((unit): [string, JsonValue][] => {
    const item = (value as Fields)[unit.name];
    if (item === undefined || item === null) return [];
    if (unit.kind !== "oneof") return [[unit.name, field(unit, item, depth)]];
    const chosen = item as { readonly $case?: unknown; readonly value?: unknown };
    const member = unit.members.find(({ name }) => name === chosen.$case);
    return member ? [[member.name, field(member, chosen.value, depth)]] : [];
  });
  return Object.fromEntries(entries);
}

function field(layout: FieldLayout, value: unknown, depth: number): JsonValue {
  if (layout.field.sensitive) return isEmpty(value) ? plain(value) : hidden;
  const one = (item: unknown) => (layout.message ? message(layout.message, item, depth - 1) : plain(item));
  if (layout.kind === "list" && Array.isArray(value)) return value.map(one);
  if (layout.kind === "map" && value instanceof Map)
    return Object.fromEntries([...value].map(([key, item]) => [String(key), one(item)]));
  return layout.kind === "single" ? one(value) : plain(value);
}

/** Whether a value is set may be shown. */
function isEmpty(value: unknown): boolean {
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length === 0;
  return value === "" || (value instanceof Map && value.size === 0);
}

function plain(value: unknown): JsonValue {
  if (value instanceof Uint8Array) return `[${value.length} bytes]`;
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "bigint":
      return value.toString();
    default:
      return value instanceof Map || Array.isArray(value) ? [] : `[${value === null ? "null" : typeof value}]`;
  }
}
