import { ContractError } from "../message.ts";
import type { EnumType, Field, MessageType, Scalar } from "../types.ts";
import { messageCost } from "./limits.ts";

/** How one field stands on the wire. */
export interface FieldLayout {
  readonly kind: "single" | "list" | "map";
  readonly field: Field;
  readonly name: string;
  readonly number: number;
  /** What an element is written as; `int32` for enums, nothing for messages. */
  readonly scalar: Scalar | undefined;
  readonly message: MessageType | undefined;
  readonly enum: EnumType | undefined;
  /** The type of a map's keys. */
  readonly key: Scalar | undefined;
  /** Written as one block of numbers? Both forms are read. */
  readonly packed: boolean;
  /** The tag it is written with. */
  readonly tag: number;
}

/** Alternatives of which at most one is written. */
export interface OneofLayout {
  readonly kind: "oneof";
  readonly name: string;
  readonly members: readonly FieldLayout[];
}

export type Unit = FieldLayout | OneofLayout;

export interface MessageLayout {
  readonly type: MessageType;
  /** In the order they are written: by number, a oneof at its smallest. This is also the order in `.proto` files. */
  readonly units: readonly Unit[];
  /** The properties of a value, in order of declaration. */
  readonly properties: readonly Unit[];
  readonly fields: readonly FieldLayout[];
  readonly byNumber: ReadonlyMap<number, FieldLayout>;
  /** Estimated bytes of an empty value in memory. */
  readonly cost: number;
}

const layouts = new WeakMap<MessageType, MessageLayout>();

/** The layout of a message, worked out once. Throws a ContractError if it refers to something that is not a message. */
export function layoutOf(type: MessageType): MessageLayout {
  const known = layouts.get(type);
  if (known) return known;
  const made = layout(type);
  layouts.set(type, made);
  return made;
}

/** The bytes of a tag as numbers. */
export function varintBytes(value: number): number[] {
  const bytes = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}

export const wireTypes = { varint: 0, fixed64: 1, length: 2, startGroup: 3, endGroup: 4, fixed32: 5 } as const;

/** The wire type of one value; messages have no scalar. */
export function wireTypeOf(scalar: Scalar | undefined): number {
  switch (scalar) {
    case undefined:
    case "string":
    case "bytes":
      return wireTypes.length;
    case "double":
    case "fixed64":
    case "sfixed64":
      return wireTypes.fixed64;
    case "float":
    case "fixed32":
    case "sfixed32":
      return wireTypes.fixed32;
    default:
      return wireTypes.varint;
  }
}

export const tagOf = (number: number, wireType: number): number => number * 8 + wireType;

/** Every message reachable from these, themselves included, in order of discovery. */
export function reachable(types: readonly MessageType[]): MessageType[] {
  const found = new Set<MessageType>(types);
  for (const type of found) for (const { message } of layoutOf(type).fields) if (message) found.add(message);
  return [...found];
}

function layout(type: MessageType): MessageLayout {
  const fields = type.fields.map((field) => fieldLayout(type, field));
  const properties: Unit[] = [];
  const oneofs = new Map<string, FieldLayout[]>();
  for (const field of fields) {
    const oneof = field.field.oneof;
    const members = oneof === undefined ? undefined : oneofs.get(oneof);
    if (oneof === undefined) properties.push(field);
    else if (members) members.push(field);
    else {
      const first = [field];
      oneofs.set(oneof, first);
      properties.push({ kind: "oneof", name: oneof, members: first });
    }
  }
  for (const members of oneofs.values()) members.sort((a, b) => a.number - b.number);
  const units = properties.toSorted((a, b) => firstNumber(a) - firstNumber(b));
  const byNumber = new Map(fields.map((field) => [field.number, field]));
  return { type, units, properties, fields, byNumber, cost: messageCost(properties.length) };
}

const firstNumber = (unit: Unit): number => (unit.kind === "oneof" ? (unit.members[0]?.number ?? 0) : unit.number);

function fieldLayout(owner: MessageType, field: Field): FieldLayout {
  const { type, name, number, repeated, mapKey } = field;
  const message = type.kind === "message" ? type.message() : undefined;
  if (type.kind === "message" && message?.kind !== "message")
    throw new ContractError(
      `message ${owner.name}, field ${name}: its type is not a message; give an enumeration directly, not as a function`,
    );
  const scalar = type.kind === "scalar" ? type.scalar : type.kind === "enum" ? "int32" : undefined;
  const wireType = wireTypeOf(scalar);
  const packed = repeated && wireType !== wireTypes.length;
  return {
    kind: mapKey ? "map" : repeated ? "list" : "single",
    field,
    name,
    number,
    scalar,
    message,
    enum: type.kind === "enum" ? type.enum() : undefined,
    key: mapKey,
    packed,
    tag: tagOf(number, packed || mapKey ? wireTypes.length : wireType),
  };
}
