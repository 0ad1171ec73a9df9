import type { Scalar } from "../types.ts";
import { type FieldLayout, type MessageLayout, tagOf, type Unit, wireTypeOf, wireTypes } from "./layout.ts";
import { bigintCost, elementCost, mapEntryCost, textCost } from "./limits.ts";
import { key, literal, type Names } from "./source.ts";

/** How one scalar is read at `p`, before `end`, into `target`; moves `p`. */
type Read = (target: string, end: string) => string;

const throughCursor =
  (name: string): Read =>
  (target, end) =>
    `${target} = ${name}(b, p, ${end}); p = cursor.position;`;

const fixed =
  (name: string, size: number): Read =>
  (target, end) =>
    `if (p + ${size} > ${end}) tooShort(); ${target} = ${name}(b, p); p += ${size};`;

/** One byte is the common case and is read in place. */
const varint =
  (convert: (x: string) => string): Read =>
  (target, end) =>
    `{ let x = b[p]; if (x < 128) p++; else { x = readVarint32(b, p, ${end}); p = cursor.position; } ${target} = ${convert("x")}; }`;

const measured =
  (name: string): Read =>
  (target, end) =>
    `${length(end)} ${target} = ${name}(b, p, q); p = q;`;

/** Declares the end of a value that has a length and moves `p` to its start. */
const length = (end: string, q = "q") =>
  `let ${q} = b[p]; if (${q} < 128 && (${q} += p + 1) <= ${end}) p++; else { ${q} = readLength(b, p, ${end}); p = cursor.position; }`;

const readers: Readonly<Record<Scalar, Read>> = {
  double: fixed("readDouble", 8),
  float: fixed("readFloat", 4),
  int32: varint((x) => `${x} | 0`),
  int64: throughCursor("readInt64"),
  uint32: varint((x) => x),
  uint64: throughCursor("readUint64"),
  sint32: varint((x) => `(${x} >>> 1) ^ -(${x} & 1)`),
  sint64: throughCursor("readSint64"),
  fixed32: fixed("readFixed32", 4),
  fixed64: fixed("readFixed64", 8),
  sfixed32: fixed("readSfixed32", 4),
  sfixed64: fixed("readSfixed64", 8),
  bool: throughCursor("readBool"),
  string: measured("readText"),
  bytes: measured("readBytes"),
};

const wide = new Set<Scalar>(["int64", "uint64", "sint64", "fixed64", "sfixed64"]);

/** The estimated memory of one list element. */
export function costOf(scalar: Scalar | undefined): number {
  if (scalar === undefined) return elementCost;
  if (wide.has(scalar)) return bigintCost;
  return scalar === "string" || scalar === "bytes" ? elementCost + textCost : elementCost;
}

/** The bytes of one element in a packed block; 0 where they differ. */
export function widthOf(scalar: Scalar): number {
  return { [wireTypes.fixed64]: 8, [wireTypes.fixed32]: 4 }[wireTypeOf(scalar)] ?? 0;
}

/** A scalar's value where it is absent, as source text. */
function zero(scalar: Scalar): string {
  if (wide.has(scalar)) return "0n";
  return scalar === "string" ? '""' : scalar === "bytes" ? "noBytes" : scalar === "bool" ? "false" : "0";
}

/** The source of a function `(bytes, position, end, depth) => value`. Anything wrong or rare ends in a fault. */
export function decoderSource(name: string, layout: MessageLayout, names: Names): string {
  const declared = layout.properties.map((unit) => `${local(unit)} = ${initial(unit)}`);
  const cases = layout.fields.map((field) => fieldCases(field, layout, names));
  const required = layout.fields.filter(({ field }) => field.presence === "required");
  return `function ${name}(b, p, e, d) {
if (d < 0) tooDeep();
spend(${layout.cost});
${declared.length > 0 ? `let ${declared.join(", ")};` : ""}
scan: while (p < e) {
let t = b[p++];
if (t > 127) { t = readTag(b, p - 1, e); p = cursor.position; }
if (p === e) tooShort();
switch (t) {
${cases.join("\n")}
default: p = skip(b, p, e, t, d);
} }
if (p !== e) tooShort();
${required.map((field) => `if (${local(field)} === undefined) missing();`).join("\n")}
return { ${layout.properties.map((unit) => `${key(unit.name)}: ${local(unit)}`).join(", ")} };
}`;
}

const local = (unit: Unit): string => (unit.kind === "oneof" ? `o${unit.members[0]?.number}` : `x${unit.number}`);

function initial(unit: Unit): string {
  if (unit.kind === "oneof") return "undefined";
  if (unit.kind === "map") return "new Map()";
  if (unit.kind === "list") return "[]";
  return unit.scalar && unit.field.presence === "implicit" ? zero(unit.scalar) : "undefined";
}

function fieldCases(field: FieldLayout, layout: MessageLayout, names: Names): string {
  const { number, scalar, tag } = field;
  if (field.kind === "map") return `case ${tag}: { ${mapEntry(field, names)} continue; }`;
  if (field.kind === "single") return `case ${tag}: { ${single(field, layout, names)} continue; }`;
  const x = `x${number}`;
  if (!scalar)
    return `case ${tag}: for (;;) { ${length("e")} ${x}.push(${message(field, names)}); p = q; ${again(tag)} }`;
  const element = `spend(${costOf(scalar)}); ${readers[scalar]("v", "e")} ${x}.push(v);`;
  const unpacked = `case ${tagOf(number, wireTypeOf(scalar))}: { let v; ${element} continue; }`;
  if (!field.packed) return unpacked;
  const block = `let v; while (p < q) { ${readers[scalar]("v", "q")} ${x}.push(v); } if (p !== q) tooShort();`;
  return `case ${tag}: { ${length("e")} spendPacked(b, p, q, ${widthOf(scalar)}, ${costOf(scalar)}); ${block} continue; }\n${unpacked}`;
}

/** Elements of a list of messages mostly follow each other; the same tag is then not looked up again. */
function again(tag: number): string {
  if (tag > 127) return "continue scan;";
  return `if (p === e || b[p] !== ${tag}) continue scan; if (++p === e) tooShort();`;
}

const message = ({ message: type }: FieldLayout, names: Names): string => `${names.decoder(type)}(b, p, q, d - 1)`;

/** The last value wins; a message that comes twice must be merged, which is left to the interpreting codec. */
function single(field: FieldLayout, layout: MessageLayout, names: Names): string {
  const { oneof } = field.field;
  if (oneof === undefined) {
    if (field.scalar) return readers[field.scalar](local(field), "e");
    return `if (${local(field)} !== undefined) mergeNeeded(); ${length("e")} ${local(field)} = ${message(field, names)}; p = q;`;
  }
  const unit = layout.properties.find(({ kind, name }) => kind === "oneof" && name === oneof) ?? field;
  const o = local(unit);
  const is = literal(field.name);
  if (field.scalar) return `let v; ${readers[field.scalar]("v", "e")} ${o} = { $case: ${is}, value: v };`;
  const merge = `if (${o} !== undefined && ${o}.$case === ${is}) mergeNeeded();`;
  return `${merge} ${length("e")} ${o} = { $case: ${is}, value: ${message(field, names)} }; p = q;`;
}

function mapEntry(field: FieldLayout, names: Names): string {
  const { number, key: keyScalar = "string", scalar } = field;
  const value = scalar
    ? `case ${tagOf(2, wireTypeOf(scalar))}: { ${readers[scalar]("v", "f")} continue; }`
    : `case ${tagOf(2, 2)}: { if (v !== undefined) mergeNeeded(); ${length("f")} v = ${message(field, names)}; p = q; continue; }`;
  const absent = scalar ? "" : `if (v === undefined) { const q = p; v = ${message(field, names)}; }`;
  return `spend(${mapEntryCost}); ${length("e", "f")}
let k = ${zero(keyScalar)}, v${scalar ? ` = ${zero(scalar)}` : ""};
while (p < f) { let t = b[p++]; if (t > 127) { t = readTag(b, p - 1, f); p = cursor.position; } if (p === f) tooShort();
switch (t) {
case ${tagOf(1, wireTypeOf(keyScalar))}: { ${readers[keyScalar]("k", "f")} continue; }
${value}
default: p = skip(b, p, f, t, d);
} }
if (p !== f) tooShort(); ${absent} x${number}.set(k, v);`;
}
