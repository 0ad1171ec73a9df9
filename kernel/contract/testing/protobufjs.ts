import protobuf from "protobufjs";
import { type FieldLayout, layoutOf } from "../codec/layout.ts";
import { scalarRules } from "../codec/scalars.ts";
import { protoFiles } from "../proto/print.ts";
import type { MessageType } from "../types.ts";

/** A message of protobufjs' reflection. */
export interface Reflected {
  encode(value: object): Uint8Array;
  /** Decodes, and encodes again what was read. */
  again(bytes: Uint8Array): Uint8Array;
}

/** The same message as protobufjs knows it, from its `.proto` text. */
export function reflected(type: MessageType): Reflected {
  const root = new protobuf.Root();
  for (const text of protoFiles([type]).values()) protobuf.parse(text, root, { keepCase: false });
  for (const name of ["timestamp", "duration"])
    root.addJSON(protobuf.common.get(`google/protobuf/${name}.proto`)?.nested ?? {});
  const known = root.lookupType(type.name);
  return {
    encode: (value) => plain(known.encode(theirs(type, value)).finish()),
    again: (bytes) => plain(known.encode(known.decode(bytes)).finish()),
  };
}

const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);

/** The value as protobufjs wants it: what is set is written, so defaults are left out. */
function theirs(type: MessageType, value: object): Record<string, unknown> {
  const fields = value as Readonly<Record<string, unknown>>;
  const result: Record<string, unknown> = {};
  for (const unit of layoutOf(type).properties) {
    const item = fields[unit.name];
    if (item === undefined) continue;
    if (unit.kind === "oneof") {
      const { $case, value: chosen } = item as { readonly $case: string; readonly value: unknown };
      const member = unit.members.find(({ name }) => name === $case) as FieldLayout;
      result[$case] = one(member, chosen);
    } else if (unit.kind === "list") result[unit.name] = (item as unknown[]).map((each) => one(unit, each));
    else if (unit.kind === "map")
      result[unit.name] = Object.fromEntries(
        [...(item as ReadonlyMap<unknown, unknown>)].map(([key, each]) => [String(key), one(unit, each)]),
      );
    else if (!unit.scalar || unit.field.presence !== "implicit" || !scalarRules[unit.scalar].isZero(item))
      result[unit.name] = one(unit, item);
  }
  return result;
}

function one({ message }: FieldLayout, value: unknown): unknown {
  if (message) return theirs(message, value as object);
  return typeof value === "bigint" ? value.toString() : value;
}
