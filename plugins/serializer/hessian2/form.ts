import type { EnumType, MessageType, Scalar, ValueForm } from "@mortise/kernel/contract";
import { HessianDouble, HessianObject, type HessianValue } from "@mortise/kernel/hessian";
import { type Conversion, digitsOf } from "./java-types.ts";

/** What the form needs to know of Java. */
export interface JavaNames {
  classOf(type: MessageType | EnumType): string;
  /** How the fields of a message are written, in order; nothing where all of them are written as usual. */
  conversionsOf(type: MessageType): readonly (Conversion | undefined)[] | undefined;
}

const int32s: ReadonlySet<Scalar> = new Set(["int32", "sint32", "sfixed32", "uint32", "fixed32"]);
const unsigned64: ReadonlySet<Scalar> = new Set(["uint64", "fixed64"]);
const timestampName = "google.protobuf.Timestamp";
const nanosPerMilli = 1_000_000;
/** What a Date can hold (ECMAScript, "Time Values and Time Range"). */
const maxDateSeconds = 8_640_000_000_000n;

/** How Hessian expresses the values of a contract: messages as objects, enums as Java's enums, points in time as dates. */
export function hessianForm({ classOf, conversionsOf }: JavaNames): ValueForm<HessianValue> {
  return {
    absent: null,
    isAbsent: (value) => value === null || value === undefined,
    scalar: writeScalar,
    readScalar,
    enumeration: (type, number) => {
      const name = Object.entries(type.values).find(([, value]) => value === number)?.[0];
      return name === undefined ? number : new HessianObject(classOf(type), new Map([["name", name]]));
    },
    readEnumeration,
    list: (items) => [...items],
    readList: (value) => (Array.isArray(value) ? value : undefined),
    map: (entries) => new Map(entries),
    readMap: (value) => (value instanceof Map ? value : undefined),
    object: (type, fields) =>
      dateOf(type, fields) ?? new HessianObject(classOf(type), new Map(converted(fields, conversionsOf(type)))),
    readObject: (type, value) => {
      if (type.name === timestampName) {
        const date = value instanceof HessianObject ? value.fields.get("value") : value; // as java.sql.Timestamp has it
        if (date instanceof Date) return timeFields(date);
      }
      if (value instanceof HessianObject) return (field) => value.fields.get(field);
      return value instanceof Map ? (field) => value.get(field) : undefined;
    },
  };
}

function writeScalar(scalar: Scalar, value: unknown): HessianValue {
  if (scalar === "double" || scalar === "float") return new HessianDouble(value as number);
  if (unsigned64.has(scalar)) return BigInt.asIntN(64, value as bigint); // Java has no unsigned long: the same 64 bits
  if (typeof value === "number") return (value | 0) === value ? value : BigInt(value);
  return value as HessianValue;
}

type Pairs = readonly (readonly [string, HessianValue])[];

function converted(fields: Pairs, conversions: readonly (Conversion | undefined)[] | undefined): Pairs {
  if (!conversions) return fields;
  return fields.map(([name, value], i) => [name, value === null ? value : (conversions[i]?.(value) ?? value)]);
}

function readScalar(scalar: Scalar, given: HessianValue): unknown {
  const value = plain(scalar, given);
  if (scalar === "double" || scalar === "float") return typeof value === "bigint" ? Number(value) : value;
  if (int32s.has(scalar)) return typeof value === "bigint" ? Number(value) : value === 0 ? 0 : value;
  if (scalar === "bool" || scalar === "string" || scalar === "bytes") return value;
  const wide = typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : value;
  return unsigned64.has(scalar) && typeof wide === "bigint" ? BigInt.asUintN(64, wide) : wide;
}

/** Java's numbers of any length are objects; a time may stand for its milliseconds. */
function plain(scalar: Scalar, value: HessianValue): HessianValue {
  if (value instanceof Date && scalar.endsWith("64")) return BigInt(value.getTime());
  if (!(value instanceof HessianObject)) return value;
  const held = value.fields.get("_value"); // as com.caucho.hessian.io has it for Float, Short and Byte
  if (typeof held === "number") return held;
  const digits = digitsOf(value);
  if (digits === undefined || scalar === "string") return digits ?? value;
  if (scalar === "double" || scalar === "float") return Number(digits);
  return /^-?\d{1,20}$/.test(digits) ? BigInt(digits) : value;
}

/** A number, a name, or an object of a Java enum, which has its name in the field `name`. */
function readEnumeration({ values }: EnumType, value: HessianValue): number | undefined {
  if (typeof value === "number") return value;
  const name = value instanceof HessianObject ? value.fields.get("name") : value;
  return typeof name === "string" && Object.hasOwn(values, name) ? values[name] : undefined;
}

/** A timestamp as a date, unless it is finer than milliseconds or beyond what a date can hold. */
function dateOf({ name }: MessageType, fields: readonly (readonly [string, HessianValue])[]): Date | undefined {
  if (name !== timestampName) return undefined;
  const [seconds, nanos] = fields.map(([, value]) => value);
  if (typeof seconds !== "bigint" || typeof nanos !== "number" || nanos % nanosPerMilli !== 0) return undefined;
  if (seconds < -maxDateSeconds || seconds >= maxDateSeconds) return undefined;
  return new Date(Number(seconds) * 1000 + nanos / nanosPerMilli);
}

function timeFields(date: Date): (field: string) => HessianValue | undefined {
  const ms = date.getTime();
  const seconds = Math.floor(ms / 1000);
  return (field) =>
    field === "seconds" ? BigInt(seconds) : field === "nanos" ? (ms - seconds * 1000) * nanosPerMilli : undefined;
}
