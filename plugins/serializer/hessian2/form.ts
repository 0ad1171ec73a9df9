import type { EnumType, MessageType, Scalar, ValueForm } from "@mortise/kernel/contract";
import { HessianDouble, HessianObject, type HessianValue } from "@mortise/kernel/hessian";

/** Names of Java classes by the name of a message or enum; those not named keep their own. */
export type ClassNames = Readonly<Record<string, string>>;

const int32s: ReadonlySet<Scalar> = new Set(["int32", "sint32", "sfixed32", "uint32", "fixed32"]);
const unsigned64: ReadonlySet<Scalar> = new Set(["uint64", "fixed64"]);
const timestampName = "google.protobuf.Timestamp";
const nanosPerMilli = 1_000_000;
/** What a Date can hold (ECMAScript, "Time Values and Time Range"). */
const maxDateSeconds = 8_640_000_000_000n;

/** How Hessian expresses the values of a contract: messages as objects, enums as Java's enums, points in time as dates. */
export function hessianForm(classNames: ClassNames): ValueForm<HessianValue> {
  const classOf = ({ name }: MessageType | EnumType) => classNames[name] ?? name;
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
    object: (type, fields) => dateOf(type, fields) ?? new HessianObject(classOf(type), new Map(fields)),
    readObject: (type, value) => {
      if (value instanceof HessianObject) return (field) => value.fields.get(field);
      if (value instanceof Map) return (field) => value.get(field);
      return value instanceof Date && type.name === timestampName ? timeFields(value) : undefined;
    },
  };
}

function writeScalar(scalar: Scalar, value: unknown): HessianValue {
  if (scalar === "double" || scalar === "float") return new HessianDouble(value as number);
  if (unsigned64.has(scalar)) return BigInt.asIntN(64, value as bigint); // Java has no unsigned long: the same 64 bits
  if (typeof value === "number") return (value | 0) === value ? value : BigInt(value);
  return value as HessianValue;
}

function readScalar(scalar: Scalar, value: HessianValue): unknown {
  if (scalar === "double" || scalar === "float") return typeof value === "bigint" ? Number(value) : value;
  if (int32s.has(scalar)) return typeof value === "bigint" ? Number(value) : value === 0 ? 0 : value;
  if (scalar === "bool" || scalar === "string" || scalar === "bytes") return value;
  const wide = typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : value;
  return unsigned64.has(scalar) && typeof wide === "bigint" ? BigInt.asUintN(64, wide) : wide;
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
