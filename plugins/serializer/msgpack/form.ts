import type { Scalar, ValueForm } from "@mortise/kernel/contract";
import { Float, type PackMap, PackTime, type PackValue } from "./writer.ts";

const wide: ReadonlySet<Scalar> = new Set(["int64", "uint64", "sint64", "fixed64", "sfixed64"]);
const timestampName = "google.protobuf.Timestamp";

/** How MessagePack expresses the values of a contract: messages as maps by field name, points in time as timestamps. */
export const packForm: ValueForm<PackValue> = {
  absent: null,
  isAbsent: (value) => value === null || value === undefined,
  scalar: (scalar, value) =>
    scalar === "double" || scalar === "float" ? new Float(value as number) : (value as PackValue),
  readScalar(scalar, value) {
    if (wide.has(scalar)) return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : value;
    return typeof value === "bigint" ? Number(value) : value;
  },
  enumeration: (_, number) => number,
  readEnumeration: ({ values }, value) => {
    if (typeof value === "number") return value;
    return typeof value === "string" && Object.hasOwn(values, value) ? values[value] : undefined;
  },
  list: (items) => items,
  readList: (value) => (Array.isArray(value) ? value : undefined),
  map: (entries) => new Map(entries),
  readMap: (value) => (value instanceof Map ? value : undefined),
  object(type, fields) {
    const set = fields.filter(([, value]) => value !== null);
    if (type.name !== timestampName) return new Map(set);
    const [seconds, nanos] = fields.map(([, value]) => value);
    const plain = typeof seconds === "bigint" && typeof nanos === "number" && nanos >= 0 && nanos < 1e9;
    return plain ? new PackTime(seconds, nanos) : new Map(set);
  },
  readObject(type, value) {
    if (value instanceof Map) return (field) => (value as PackMap).get(field);
    if (!(value instanceof PackTime) || type.name !== timestampName) return undefined;
    return (field) => (field === "seconds" ? value.seconds : field === "nanos" ? value.nanos : undefined);
  },
};
