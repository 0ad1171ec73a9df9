import fc from "fast-check";
import { type FieldLayout, layoutOf, type Unit } from "../codec/layout.ts";
import type { EnumType, MessageType, Scalar } from "../types.ts";

/** Which values other implementations write differently. */
export interface ValueFeatures {
  /** Negative zero, which some take for zero. Default true. */
  readonly negativeZero?: boolean;
  /** Values an enumeration does not name. Default true. */
  readonly unknownEnums?: boolean;
  /** Only points and spans of time that JSON can express. Default false. */
  readonly validTimes?: boolean;
}

const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.string({ minLength: 15, maxLength: 400 }),
  fc.constantFrom(
    "",
    "\ufeff",
    "\ufffd",
    "é".repeat(50),
    "a".repeat(127),
    "a".repeat(128),
    "😀".repeat(40),
    "__proto__",
  ),
);

const int32 = fc.oneof(fc.integer(), fc.integer({ min: -130, max: 130 }), fc.constantFrom(-0, 2 ** 31 - 1, -(2 ** 31)));
const uint32 = fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 130 }));
const signed64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
const unsigned64 = { min: 0n, max: 2n ** 64n - 1n };
const int64 = fc.oneof(fc.bigInt(signed64), fc.bigInt(-130n, 130n), fc.constantFrom(...Object.values(signed64)));
const uint64 = fc.oneof(fc.bigInt(unsigned64), fc.bigInt(0n, 130n), fc.constantFrom(...Object.values(unsigned64)));

/** Negative zero is zero to whole numbers; they are compared after one trip over the wire. */
const whole = (numbers: fc.Arbitrary<number>) => numbers.map((value) => value + 0);

export function scalarValues(scalar: Scalar, { negativeZero = true }: ValueFeatures = {}): fc.Arbitrary<unknown> {
  const floating = (values: fc.Arbitrary<number>) =>
    negativeZero ? values : values.map((value) => (Object.is(value, -0) ? 0 : value));
  switch (scalar) {
    case "double":
      return floating(fc.double());
    case "float":
      return floating(fc.float());
    case "bool":
      return fc.boolean();
    case "string":
      return text;
    case "bytes":
      return fc.uint8Array({ maxLength: 60 });
    case "int32":
    case "sint32":
    case "sfixed32":
      return whole(int32);
    case "uint32":
    case "fixed32":
      return uint32;
    case "int64":
    case "sint64":
    case "sfixed64":
      return int64;
    default:
      return uint64;
  }
}

const enumValues = (type: EnumType, { unknownEnums = true }: ValueFeatures) =>
  unknownEnums
    ? fc.oneof(fc.constantFrom(...Object.values(type.values)), whole(int32))
    : fc.constantFrom(...Object.values(type.values));

const nanos = fc.oneof(fc.nat(999_999_999), fc.constantFrom(0, 1, 1000, 5_000_000, 999_999_999));

const times: Readonly<Record<string, fc.Arbitrary<object>>> = {
  "google.protobuf.Timestamp": fc.record(
    { seconds: fc.bigInt(-62_135_596_800n, 253_402_300_799n), nanos },
    { noNullPrototype: true },
  ),
  "google.protobuf.Duration": fc
    .tuple(fc.bigInt(0n, 315_576_000_000n), nanos, fc.boolean())
    .map(([seconds, nanos, negative]) =>
      negative ? { seconds: -seconds, nanos: nanos === 0 ? 0 : -nanos } : { seconds, nanos },
    ),
};

/** Complete values of a message, at most `depth` messages deep where it may end. */
export function messageValues(type: MessageType, features: ValueFeatures = {}, depth = 3): fc.Arbitrary<object> {
  const time = features.validTimes ? times[type.name] : undefined;
  if (time) return time;
  const { properties } = layoutOf(type);
  const fields = Object.fromEntries(properties.map((unit) => [unit.name, unitValues(unit, features, depth)]));
  return fc.record(fields, { noNullPrototype: true });
}

function unitValues(unit: Unit, features: ValueFeatures, depth: number): fc.Arbitrary<unknown> {
  const absent = fc.constant(undefined);
  if (unit.kind === "oneof") {
    const members = unit.members.filter(({ message }) => !message || depth > 0);
    const chosen = members.map((member) =>
      one(member, features, depth).map((value) => ({ $case: member.name, value })),
    );
    return fc.oneof(absent, ...chosen);
  }
  const { kind, message, field } = unit;
  if (kind === "single") {
    if (field.presence === "required") return one(unit, features, depth);
    if (message && depth <= 0) return absent;
    return field.presence === "implicit" ? one(unit, features, depth) : fc.oneof(absent, one(unit, features, depth));
  }
  const maxLength = message ? (depth > 0 ? 2 : 0) : 5;
  const item = maxLength === 0 ? absent : one(unit, features, depth);
  if (kind === "list") return fc.array(item, { maxLength });
  return fc.array(fc.tuple(scalarValues(unit.key ?? "string"), item), { maxLength }).map((pairs) => new Map(pairs));
}

function one(
  { scalar, message, enum: enumeration }: FieldLayout,
  features: ValueFeatures,
  depth: number,
): fc.Arbitrary<unknown> {
  if (message) return messageValues(message, features, depth - 1);
  return enumeration ? enumValues(enumeration, features) : scalarValues(scalar ?? "string", features);
}
