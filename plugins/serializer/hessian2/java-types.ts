import { StatusError } from "@mortise/kernel";
import type { EnumType, Field, MessageType, Scalar } from "@mortise/kernel/contract";
import { type HessianList, HessianObject, type HessianValue } from "@mortise/kernel/hessian";

/** Names of Java classes by the name of a message or enum; those not named keep their own. */
export type ClassNames = Readonly<Record<string, string>>;

/** Java types of fields that differ from the usual ones, by `<message>.<field>`. */
export type FieldTypes = Readonly<Record<string, string>>;

/** Turns a value into the form a Java type has. */
export type Conversion = (value: HessianValue) => HessianValue;

const primitives: Readonly<Record<Scalar, string>> = {
  double: "double",
  float: "float",
  int32: "int",
  sint32: "int",
  sfixed32: "int",
  uint32: "long",
  fixed32: "long",
  int64: "long",
  sint64: "long",
  sfixed64: "long",
  uint64: "long",
  fixed64: "long",
  bool: "boolean",
  string: "java.lang.String",
  bytes: "byte[]",
};

const boxes: Readonly<Record<string, string>> = {
  double: "java.lang.Double",
  float: "java.lang.Float",
  int: "java.lang.Integer",
  long: "java.lang.Long",
  boolean: "java.lang.Boolean",
};

/** The type of a field where nothing else is said. */
export function usualType(field: Field, classOf: (type: MessageType | EnumType) => string): string {
  if (field.mapKey !== undefined) return "java.util.Map";
  if (field.repeated) return "java.util.List";
  const { type } = field;
  if (type.kind === "enum") return classOf(type.enum());
  if (type.kind === "message") {
    const message = type.message();
    return message.name === "google.protobuf.Timestamp" ? "java.util.Date" : classOf(message);
  }
  const primitive = primitives[type.scalar];
  const nullable = field.presence === "optional" || field.oneof !== undefined;
  return (nullable && boxes[primitive]) || primitive;
}

const sets: Readonly<Record<string, string>> = {
  "java.util.Set": "java.util.HashSet",
  "java.util.HashSet": "java.util.HashSet",
  "java.util.LinkedHashSet": "java.util.LinkedHashSet",
  "java.util.SortedSet": "java.util.TreeSet",
  "java.util.TreeSet": "java.util.TreeSet",
};

const scalarConversions: Readonly<Record<string, Conversion>> = {
  "java.math.BigDecimal": (value) =>
    new HessianObject("java.math.BigDecimal", new Map([["value", digits(value, /^[+-]?\d*\.?\d+(e[+-]?\d+)?$/i)]])),
  "java.math.BigInteger": (value) => bigInteger(BigInt(digits(value, /^-?\d+$/))),
  "java.util.Date": (value) =>
    typeof value === "bigint" || typeof value === "number" ? new Date(Number(value)) : value,
};

/** How values of this type are written, where that differs from the usual: `java.util.Set<java.math.BigDecimal>`. */
export function conversionTo(javaType: string): Conversion | undefined {
  const array = /^(.*)\[\]$/.exec(javaType)?.[1];
  if (array !== undefined) return array === "byte" ? undefined : listOf(arrayType(array), conversionTo(array));
  const [, outer = javaType, inner] = /^([^<]*)<(.*)>$/.exec(javaType) ?? [];
  const scalar = scalarConversions[outer];
  if (scalar) return scalar;
  const item = inner === undefined ? undefined : conversionTo(inner);
  return sets[outer] || item ? listOf(sets[outer], item) : undefined;
}

/** What Hessian calls an array of this type. */
function arrayType(item: string): string {
  if (item === "java.lang.String") return "[string";
  return item === "java.lang.Object" ? "[object" : `[${item}`;
}

function listOf(type: string | undefined, item: Conversion | undefined): Conversion {
  return (value) => {
    if (!Array.isArray(value)) return value;
    const list: HessianList = item ? value.map((one) => (one === null ? one : item(one))) : [...value];
    if (type !== undefined) list.hessianType = type;
    return list;
  };
}

function digits(value: HessianValue, form: RegExp): string {
  const text = typeof value === "number" || typeof value === "bigint" ? String(value) : value;
  if (typeof text === "string" && form.test(text)) return text;
  throw new StatusError("INVALID_ARGUMENT", `hessian2: ${JSON.stringify(text)} is no number for Java`);
}

/** As Java's own fields have it: the sign, and the magnitude in words of 32 bits, the highest first. */
function bigInteger(number: bigint): HessianObject {
  const words: HessianList = [];
  for (let rest = number < 0n ? -number : number; rest > 0n; rest >>= 32n)
    words.unshift(Number(rest & 0xffff_ffffn) | 0);
  words.hessianType = "[int";
  const signum = number === 0n ? 0 : number < 0n ? -1 : 1;
  return new HessianObject(
    "java.math.BigInteger",
    new Map<string, HessianValue>([
      ["signum", signum],
      ["mag", words],
    ]),
  );
}

/** What a number of Java's that came as an object says in digits: a BigDecimal, a BigInteger. */
export function digitsOf({ fields }: HessianObject): string | undefined {
  const value = fields.get("value");
  if (typeof value === "string") return value;
  const [signum, mag] = [fields.get("signum"), fields.get("mag")];
  if (typeof signum !== "number" || !Array.isArray(mag) || mag.length > 4096) return undefined;
  const magnitude = mag.reduce<bigint>((sum, word) => (sum << 32n) | BigInt(Number(word) >>> 0), 0n);
  return String(signum < 0 ? -magnitude : magnitude);
}
