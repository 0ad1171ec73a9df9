import { type FieldLayout, layoutOf, type MessageLayout, reachable } from "../codec/layout.ts";
import { enumValueName } from "../proto/names.ts";
import type { MessageType, Scalar } from "../types.ts";
import type { JsonObject, JsonValue } from "./value.ts";

/** A JSON Schema (draft 2020-12) of the JSON mapping of a message, with the messages it refers to under `$defs`. */
export function jsonSchemaOf(type: MessageType): JsonObject {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $ref: `#/$defs/${type.name}`,
    $defs: jsonSchemasOf([type], "#/$defs/"),
  };
}

/** Schemas by message name; they refer to each other by `refPrefix` and name: OpenAPI has "#/components/schemas/". */
export function jsonSchemasOf(types: Iterable<MessageType>, refPrefix: string): JsonObject {
  const all = reachable([...types]).filter((type) => !special(type, refPrefix));
  return Object.fromEntries(all.map((type) => [type.name, messageSchema(layoutOf(type), refPrefix)]));
}

function messageSchema({ type, fields, properties }: MessageLayout, refPrefix: string): JsonObject {
  const required = fields.filter(({ field }) => field.presence === "required").map(({ name }) => name);
  const exclusive = properties.filter((unit) => unit.kind === "oneof").flatMap(({ members }) => atMostOne(members));
  return {
    title: type.name,
    type: "object",
    properties: Object.fromEntries(fields.map((field) => [field.name, fieldSchema(field, refPrefix)])),
    additionalProperties: false,
    ...(required.length > 0 ? { required } : {}),
    ...(exclusive.length > 0 ? { allOf: exclusive } : {}),
  };
}

/** No two members of a oneof together. */
function atMostOne(members: readonly FieldLayout[]): JsonObject[] {
  const names = members.map(({ name }) => name);
  return names.flatMap((one, i) => names.slice(i + 1).map((other) => ({ not: { required: [one, other] } })));
}

function fieldSchema(field: FieldLayout, refPrefix: string): JsonObject {
  const value = valueSchema(field, refPrefix);
  if (field.kind === "list") return { type: "array", items: value };
  if (field.kind === "single") return value;
  const keys = keyPatterns[field.key ?? "string"];
  return { type: "object", additionalProperties: value, ...(keys ? { propertyNames: { pattern: keys } } : {}) };
}

function valueSchema({ scalar, message, enum: enumeration }: FieldLayout, refPrefix: string): JsonObject {
  if (message) return special(message, refPrefix) ?? { $ref: refPrefix + message.name };
  if (enumeration) return { enum: Object.keys(enumeration.values).map((name) => enumValueName(enumeration, name)) };
  return scalarSchemas[scalar ?? "string"];
}

const notNumbers: JsonValue = ["NaN", "Infinity", "-Infinity"];
const signed = { type: "integer", minimum: -2_147_483_648, maximum: 2_147_483_647 };
const unsigned = { type: "integer", minimum: 0, maximum: 4_294_967_295 };
const signedPattern = "^-?(0|[1-9][0-9]*)$";
const unsignedPattern = "^(0|[1-9][0-9]*)$";
const int64 = { type: "string", format: "int64", pattern: signedPattern };
const uint64 = { type: "string", format: "uint64", pattern: unsignedPattern };
const floating = { anyOf: [{ type: "number" }, { enum: notNumbers }] };

const scalarSchemas: Readonly<Record<Scalar, JsonObject>> = {
  double: floating,
  float: floating,
  int32: signed,
  sint32: signed,
  sfixed32: signed,
  uint32: unsigned,
  fixed32: unsigned,
  int64,
  sint64: int64,
  sfixed64: int64,
  uint64,
  fixed64: uint64,
  bool: { type: "boolean" },
  string: { type: "string" },
  bytes: { type: "string", contentEncoding: "base64" },
};

const keyPatterns: Partial<Readonly<Record<Scalar, string>>> = {
  bool: "^(true|false)$",
  ...Object.fromEntries(
    ["int32", "sint32", "sfixed32", "int64", "sint64", "sfixed64"].map((key) => [key, signedPattern]),
  ),
  ...Object.fromEntries(["uint32", "fixed32", "uint64", "fixed64"].map((key) => [key, unsignedPattern])),
};

/** Google's messages that JSON writes in its own way. */
function special(type: MessageType, refPrefix: string): JsonObject | undefined {
  switch (type.name) {
    case "google.protobuf.Timestamp":
      return { type: "string", format: "date-time" };
    case "google.protobuf.Duration":
      return { type: "string", pattern: "^-?[0-9]+(\\.[0-9]{1,9})?s$" };
    case "google.protobuf.FieldMask":
      return { type: "string" };
    case "google.protobuf.Value":
      return {};
    case "google.protobuf.Struct":
      return { type: "object" };
    case "google.protobuf.ListValue":
      return { type: "array" };
    default: {
      const wrapped = /^google\.protobuf\.\w+Value$/.test(type.name) ? layoutOf(type).fields[0] : undefined;
      return wrapped && valueSchema(wrapped, refPrefix);
    }
  }
}
