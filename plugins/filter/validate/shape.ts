import type { Field, MessageType, Scalar } from "@mortise/kernel";
import { isOpaque } from "@mortise/kernel/contract";
import { type Check, cases, entries, ifPresent, items, leaf, properties } from "./check.ts";

const known = new WeakMap<MessageType, Check>();

/** Whether a value is a complete value of the message, as its contract has it. Compiled once per message. */
export function shapeOf(type: MessageType): Check {
  const before = known.get(type);
  if (before) return before;
  let compiled: Check | undefined;
  const lazy: Check = (value, report) => {
    compiled ??= compile(type); // only now: messages may refer to each other
    return compiled(value, report);
  };
  known.set(type, lazy);
  return lazy;
}

function compile(type: MessageType): Check {
  if (isOpaque(type)) return () => true;
  const plain = type.fields.filter(({ oneof }) => oneof === undefined);
  return properties([
    ...plain.map((field) => [field.name, fieldCheck(field)] as const),
    ...type.oneofs.map((name) => [name, oneofCheck(type.fields.filter(({ oneof }) => oneof === name))] as const),
  ]);
}

function fieldCheck(field: Field): Check {
  const value = valueCheck(field);
  if (field.repeated) return items(value);
  if (field.mapKey !== undefined) return entries(scalars[field.mapKey], value);
  return field.presence === "optional" ? ifPresent(value) : value;
}

function oneofCheck(members: readonly Field[]): Check {
  return cases(new Map(members.map((member) => [member.name, valueCheck(member)])));
}

function valueCheck({ type, presence }: Field): Check {
  if (type.kind === "scalar") return scalars[type.scalar];
  if (type.kind === "enum") return scalars.int32;
  const shape = shapeOf(type.message());
  if (presence !== "required") return shape;
  return (value, report) => {
    if (value !== undefined) return shape(value, report);
    report?.("", "is required");
    return false;
  };
}

const number = leaf((value) => typeof value === "number", "must be a number");
const int32 = leaf((value) => (value | 0) === value, "must be a 32-bit integer");
const uint32 = leaf((value) => value >>> 0 === value, "must be an unsigned 32-bit integer");
const int64 = leaf((value) => bits(value, BigInt.asIntN), "must be a 64-bit integer as a bigint");
const uint64 = leaf((value) => bits(value, BigInt.asUintN), "must be an unsigned 64-bit integer as a bigint");

const scalars: Readonly<Record<Scalar, Check>> = {
  double: number,
  float: number,
  int32,
  sint32: int32,
  sfixed32: int32,
  uint32,
  fixed32: uint32,
  int64,
  sint64: int64,
  sfixed64: int64,
  uint64,
  fixed64: uint64,
  bool: leaf((value) => typeof value === "boolean", "must be true or false"),
  string: leaf((value) => typeof value === "string", "must be a text"),
  bytes: leaf((value) => (value as unknown) instanceof Uint8Array, "must be bytes, a Uint8Array"),
};

function bits(value: unknown, cut: (bits: number, value: bigint) => bigint): boolean {
  return typeof value === "bigint" && cut(64, value) === value;
}
