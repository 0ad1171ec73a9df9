import type { MessageType } from "../types.ts";
import { type FromJsonOptions, fromJson } from "./from-json.ts";
import { type ToJsonOptions, toJson } from "./to-json.ts";
import type { JsonValue } from "./value.ts";

/** proto3's JSON mapping of one message type. Both directions throw a StatusError INVALID_ARGUMENT that names the field. */
export interface JsonMapping<T> {
  /** 64-bit numbers as text, bytes in base64, enums by name, times in RFC 3339; defaults are left out. */
  toJson(value: T, options?: ToJsonOptions): JsonValue;
  /** A complete value. Takes names in camelCase and snake_case; null is absence. */
  fromJson(json: unknown, options?: FromJsonOptions): T;
}

const mappings = new WeakMap<MessageType, JsonMapping<unknown>>();

/** The JSON mapping of a message type: always the same object for the same type. */
export function jsonOf<T>(type: MessageType<T>): JsonMapping<T> {
  let mapping = mappings.get(type);
  if (!mapping) {
    mapping = {
      toJson: (value, options) => toJson(type, value, options),
      fromJson: (json, options) => fromJson(type, json, options),
    };
    mappings.set(type, mapping);
  }
  return mapping as JsonMapping<T>;
}

/** Makes `mapping` the JSON of a type that has its own way to it. */
export function adoptJson<T>(type: MessageType<T>, mapping: JsonMapping<T>): void {
  mappings.set(type, mapping as JsonMapping<unknown>);
}
