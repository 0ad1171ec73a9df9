import { layoutOf } from "../codec/layout.ts";
import { scalarRules } from "../codec/scalars.ts";
import { jsonName, snakeCase } from "../proto/names.ts";
import type { MessageType, Scalar } from "../types.ts";
import type { Duration, Timestamp } from "../well-known.ts";
import { scalarFromJson, scalarToJson } from "./scalar.ts";
import { durationFromText, durationToText, timestampFromText, timestampToText } from "./time-text.ts";
import { isObject, type JsonValue } from "./value.ts";

/** A message that JSON writes in its own way. Both directions give undefined for what is out of range or malformed. */
export interface SpecialJson {
  readonly expected: string;
  toJson(
    value: unknown,
    type: MessageType,
    nested: (type: MessageType, value: unknown) => JsonValue,
  ): JsonValue | undefined;
  fromJson(json: JsonValue, type: MessageType, nested: (type: MessageType, json: JsonValue) => unknown): unknown;
}

const time: Readonly<Record<string, SpecialJson>> = {
  Timestamp: {
    expected: 'a time of the years 1 to 9999, in JSON "2026-01-31T12:00:00Z"',
    toJson: (value) => timestampToText(value as Timestamp),
    fromJson: (json) => (typeof json === "string" ? timestampFromText(json) : undefined),
  },
  Duration: {
    expected: 'a span of at most 10,000 years, in JSON "1.5s"',
    toJson: (value) => durationToText(value as Duration),
    fromJson: (json) => (typeof json === "string" ? durationFromText(json) : undefined),
  },
};

/** Wrappers are written as what they wrap. */
const wrapper: SpecialJson = {
  expected: "the value that is wrapped",
  toJson: (value, type) => {
    const inner = (value as { readonly value?: unknown }).value;
    return scalarRules[wrapped(type)].test(inner) ? scalarToJson(inner) : undefined;
  },
  fromJson: (json, type) => {
    const value = scalarFromJson(wrapped(type), json);
    return scalarRules[wrapped(type)].test(value) ? { value } : undefined;
  },
};

const wrapped = (type: MessageType): Scalar => layoutOf(type).fields[0]?.scalar ?? "string";

/** The type of a field of one of Google's messages. */
function partOf(type: MessageType, field: string): MessageType {
  return layoutOf(type).fields.find(({ name }) => name === field)?.message ?? type;
}

interface DynamicValue {
  readonly kind?: { readonly $case: string; readonly value: unknown } | undefined;
}

const isNull = (json: JsonValue) => json === null;

/** Any JSON: `Value`, and the objects and lists made of it. */
const dynamic: Readonly<Record<string, SpecialJson>> = {
  Value: {
    expected: "any JSON",
    toJson: (value, type, nested) => {
      const { kind } = value as DynamicValue;
      if (kind?.$case === "nullValue") return null;
      if (kind?.$case === "structValue" || kind?.$case === "listValue")
        return nested(partOf(type, kind.$case), kind.value);
      const plain = kind?.value;
      if (typeof plain === "string" || typeof plain === "boolean") return plain;
      return typeof plain === "number" && Number.isFinite(plain) ? plain : undefined;
    },
    fromJson: (json, type, nested) => {
      const kind = ($case: string, value: unknown) => ({ kind: { $case, value } });
      if (isNull(json)) return kind("nullValue", 0);
      if (typeof json === "number") return kind("numberValue", json);
      if (typeof json === "string") return kind("stringValue", json);
      if (typeof json === "boolean") return kind("boolValue", json);
      const $case = Array.isArray(json) ? "listValue" : "structValue";
      return kind($case, nested(partOf(type, $case), json));
    },
  },
  Struct: {
    expected: "an object",
    toJson: (value, type, nested) => {
      const { fields } = value as { readonly fields?: unknown };
      if (!(fields instanceof Map)) return undefined;
      return Object.fromEntries([...fields].map(([key, item]) => [key, nested(partOf(type, "fields"), item)]));
    },
    fromJson: (json, type, nested) => {
      if (!isObject(json)) return undefined;
      return {
        fields: new Map(Object.entries(json).map(([key, item]) => [key, nested(partOf(type, "fields"), item)])),
      };
    },
  },
  ListValue: {
    expected: "a list",
    toJson: (value, type, nested) => {
      const { values } = value as { readonly values?: unknown };
      if (!Array.isArray(values)) return undefined;
      return values.map((item) => nested(partOf(type, "values"), item));
    },
    fromJson: (json, type, nested) =>
      Array.isArray(json) ? { values: json.map((item) => nested(partOf(type, "values"), item)) } : undefined,
  },
};

const fieldMask: SpecialJson = {
  expected: 'paths in camelCase between commas, in JSON "id,lines.unitPrice"',
  toJson: (value) => {
    const { paths } = value as { readonly paths?: unknown };
    const fits = (path: unknown) => typeof path === "string" && snakeCase(jsonName(path)) === path;
    return Array.isArray(paths) && paths.every(fits) ? paths.map(jsonName).join(",") : undefined;
  },
  fromJson: (json) => {
    if (typeof json !== "string" || json.includes("_")) return undefined;
    return { paths: json === "" ? [] : json.split(",").map(snakeCase) };
  },
};

const wrappers = ["Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes"];

const specials: ReadonlyMap<string, SpecialJson> = new Map(
  [
    ...Object.entries({ ...time, ...dynamic, FieldMask: fieldMask }),
    ...wrappers.map((kind) => [`${kind}Value`, wrapper] as const),
  ].map(([name, special]) => [`google.protobuf.${name}`, special]),
);

/** How JSON writes one of Google's messages; nothing for all others. */
export const specialOf = (type: MessageType): SpecialJson | undefined => specials.get(type.name);
