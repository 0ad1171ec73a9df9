import fc from "fast-check";
import type { FieldSpec, FieldSpecs, OneofSpec } from "../fields.ts";
import * as build from "../fields.ts";
import { enumeration, message } from "../message.ts";
import type { EnumType, MapKey, MessageType, Scalar } from "../types.ts";
import { Duration, Timestamp } from "../well-known.ts";

/** What random contracts may hold beyond what every implementation agrees on. */
export interface Features {
  /** Fields that must be there; `.proto` files cannot say so. Default true. */
  readonly required?: boolean;
  /** Messages that contain themselves. Default true. */
  readonly recursive?: boolean;
  /** Fields named as properties of every object, which confuses some implementations. Default true. */
  readonly awkwardNames?: boolean;
}

const builders: Readonly<Record<Scalar, (number: number) => FieldSpec>> = {
  double: build.double,
  float: build.float,
  int32: build.int32,
  int64: build.int64,
  uint32: build.uint32,
  uint64: build.uint64,
  sint32: build.sint32,
  sint64: build.sint64,
  fixed32: build.fixed32,
  fixed64: build.fixed64,
  sfixed32: build.sfixed32,
  sfixed64: build.sfixed64,
  bool: build.bool,
  string: build.string,
  bytes: build.bytes,
};

export const scalars = Object.keys(builders) as readonly Scalar[];

const mapKeys = scalars.filter((scalar): scalar is MapKey => !["double", "float", "bytes"].includes(scalar));

/** Names that are special somewhere: in JavaScript's objects, in promises, in what the codecs generate. */
const awkward = ["constructor", "toString", "valueOf", "hasOwnProperty", "then", "key", "value", "b", "p", "orderID"];

/** A message as random choices; building turns them into a type. Types are chosen by number so that they may be recursive. */
interface FieldPlan {
  readonly shape: "single" | "optional" | "required" | "repeated" | "map";
  readonly element: { readonly kind: "scalar" | "enum" | "message" | "time"; readonly index: number };
  readonly key: MapKey;
  readonly number: number;
  readonly oneof: boolean;
  readonly awkward: boolean;
}

type MessagePlan = readonly FieldPlan[];

const fieldNumber = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 20 }) },
  { weight: 1, arbitrary: fc.integer({ min: 20_000, max: 536_870_911 }) },
);

function fieldPlan({ required = true, awkwardNames = true }: Features): fc.Arbitrary<FieldPlan> {
  const shapes = ["single", "single", "optional", "repeated", "map", ...(required ? ["required"] : [])] as const;
  return fc.record({
    shape: fc.constantFrom(...(shapes as readonly FieldPlan["shape"][])),
    element: fc.record({
      kind: fc.constantFrom("scalar", "scalar", "scalar", "enum", "message", "time"),
      index: fc.nat(1000),
    }),
    key: fc.constantFrom(...mapKeys),
    number: fieldNumber,
    oneof: fc.boolean(),
    awkward: awkwardNames ? fc.boolean() : fc.constant(false),
  });
}

let packages = 0;

/** Random message types: the first is the root, the others are those it may refer to. */
export function messageTypes(features: Features = {}): fc.Arbitrary<readonly MessageType[]> {
  const plan = fc.uniqueArray(fieldPlan(features), { selector: ({ number }) => number, maxLength: 8 });
  return fc.array(plan, { minLength: 1, maxLength: 4 }).map((plans) => buildTypes(plans, features));
}

function buildTypes(plans: readonly MessagePlan[], { recursive = true }: Features): MessageType[] {
  const owner = `random.p${packages++}.v1`;
  const colour = enumeration(`${owner}.Colour`, { UNSPECIFIED: 0, RED: 1, DARK_BLUE: 7, NEGATIVE: -3 });
  const types: MessageType[] = [];
  plans.forEach((plan, i) => {
    const target = (index: number) => () => {
      const later = i + 1 + (index % Math.max(1, plans.length - i - 1));
      return types[recursive ? index % plans.length : later] ?? Timestamp;
    };
    types.push(message(`${owner}.M${i}`, specs(plan, target, colour)));
  });
  return types;
}

function specs(plan: MessagePlan, target: (index: number) => () => MessageType, colour: EnumType): FieldSpecs {
  const fields: Record<string, FieldSpec | OneofSpec> = {};
  const members: Record<string, FieldSpec> = {};
  plan.forEach((field, i) => {
    const name = field.awkward ? (awkward[i] ?? `f${i}`) : `field${i}Name`;
    const spec = element(field, target, colour);
    if (field.oneof && field.shape === "single") members[name] = spec;
    else fields[name] = shaped(field, spec);
  });
  if (Object.keys(members).length > 0) fields.choice = build.oneof(members);
  return fields;
}

function element(
  { element: { kind, index }, number }: FieldPlan,
  target: (index: number) => () => MessageType,
  colour: EnumType,
): FieldSpec {
  if (kind === "enum") return build.field(number, colour);
  if (kind === "message") return build.field(number, target(index));
  if (kind === "time") return build.field(number, index % 2 ? Timestamp : Duration);
  return builders[scalars[index % scalars.length] ?? "string"](number);
}

function shaped({ shape, key, element: { kind } }: FieldPlan, spec: FieldSpec): FieldSpec {
  const isMessage = kind === "message" || kind === "time";
  if (shape === "repeated") return build.repeated(spec);
  if (shape === "map") return build.map(key, spec);
  if (shape === "optional" && !isMessage) return build.optional(spec);
  // A message that must hold itself could never be complete, so only times are required.
  if (shape === "required" && kind === "time") return build.required(spec as FieldSpec<unknown, true>);
  return spec;
}
