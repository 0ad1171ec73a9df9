import type { Scalar } from "../types.ts";
import { type FieldLayout, type MessageLayout, type OneofLayout, tagOf, varintBytes, wireTypeOf } from "./layout.ts";
import { literal, type Names, property } from "./source.ts";

/** How the encoder of one scalar type is written; `x` is an expression without effects. */
interface ScalarSource {
  /** True when the value is of the type. */
  readonly test: (x: string) => string;
  /** True when the value must be written though presence is implicit. */
  readonly set: (x: string) => string;
  /** The most bytes it takes. */
  readonly room: number;
  readonly write: (x: string) => string;
}

const call = (name: string) => (x: string) => `p = ${name}(b, p, ${x});`;
const isInt32 = (x: string) => `typeof ${x} === "number" && (${x} | 0) === ${x}`;
const isUint32 = (x: string) => `typeof ${x} === "number" && (${x} >>> 0) === ${x}`;
const isBigint = (x: string) => `typeof ${x} === "bigint"`;
const notZero = (x: string) => `${x} !== 0`;
const notZeroFloat = (x: string) => `(${x} !== 0 || 1 / ${x} < 0)`;
const notZeroBigint = (x: string) => `${x} !== 0n`;
const notEmpty = (x: string) => `${x}.length !== 0`;
const small = (name: string) => (x: string) =>
  `if (${x} >= 0 && ${x} < 128) b[p++] = ${x}; else p = ${name}(b, p, ${x});`;

const scalars: Readonly<Record<Scalar, ScalarSource>> = {
  double: { test: (x) => `typeof ${x} === "number"`, set: notZeroFloat, room: 8, write: call("writeDouble") },
  float: { test: (x) => `isFloat(${x})`, set: notZeroFloat, room: 4, write: call("writeFloat") },
  int32: { test: isInt32, set: notZero, room: 10, write: small("writeInt32") },
  int64: { test: isBigint, set: notZeroBigint, room: 10, write: call("writeInt64") },
  uint32: { test: isUint32, set: notZero, room: 5, write: small("writeVarint32") },
  uint64: { test: isBigint, set: notZeroBigint, room: 10, write: call("writeUint64") },
  sint32: { test: isInt32, set: notZero, room: 5, write: call("writeSint32") },
  sint64: { test: isBigint, set: notZeroBigint, room: 10, write: call("writeSint64") },
  fixed32: { test: isUint32, set: notZero, room: 4, write: call("writeFixed32") },
  fixed64: { test: isBigint, set: notZeroBigint, room: 8, write: call("writeFixed64") },
  sfixed32: { test: isInt32, set: notZero, room: 4, write: call("writeFixed32") },
  sfixed64: { test: isBigint, set: notZeroBigint, room: 8, write: call("writeSfixed64") },
  bool: { test: (x) => `typeof ${x} === "boolean"`, set: (x) => x, room: 1, write: (x) => `b[p++] = ${x} ? 1 : 0;` },
  string: { test: (x) => `typeof ${x} === "string"`, set: notEmpty, room: 5, write: call("writeText") },
  bytes: { test: (x) => `${x} instanceof Uint8Array`, set: notEmpty, room: 5, write: call("writeBytes") },
};

const reserve = (bytes: string) => `if (p + ${bytes} > b.length) b = grow(s, p, ${bytes});`;
const writeTag = (tag: number) =>
  varintBytes(tag)
    .map((byte) => `b[p++] = ${byte};`)
    .join(" ");
const tagRoom = (tag: number) => varintBytes(tag).length;
const ensure = (test: string) => `if (!(${test})) wrongValue();`;

/** An expression for the bytes a value of variable size takes beyond `room`. */
function extraRoom(scalar: Scalar, x: string): string | undefined {
  return scalar === "string" ? `textRoom(${x})` : scalar === "bytes" ? `${x}.length` : undefined;
}

/** The source of a function `(value, sink, position, depth) => position`. Wrong values end in a fault. */
export function encoderSource(name: string, layout: MessageLayout, names: Names): string {
  const body: string[] = [];
  let run: FieldLayout[] = [];
  const flush = () => {
    if (run.length > 0) body.push(singles(run, "v"));
    run = [];
  };
  for (const unit of layout.units) {
    if (unit.kind === "single" && unit.scalar) run.push(unit);
    else {
      flush();
      body.push(unit.kind === "oneof" ? oneof(unit, names) : field(unit, names));
    }
  }
  flush();
  return `function ${name}(v, s, p, d) {
if (typeof v !== "object" || v === null || d < 0) wrongValue();
let b = s.buffer;
${body.join("\n")}
return p;
}`;
}

/** Neighbouring scalars: all are checked, room is made once, then all are written. */
function singles(fields: readonly FieldLayout[], owner: string): string {
  const read: string[] = [];
  const write: string[] = [];
  const rooms: string[] = [];
  let fixed = 0;
  for (const { name, number, scalar = "int32", field, tag } of fields) {
    const source = scalars[scalar];
    const x = `x${number}`;
    const absent = field.presence === "optional" ? `${x} === undefined || ` : "";
    read.push(`const ${x} = ${property(owner, name)}; ${ensure(absent + source.test(x))}`);
    fixed += tagRoom(tag) + source.room;
    const extra = extraRoom(scalar, x);
    if (extra) rooms.push(absent ? `(${x} === undefined ? 0 : ${extra})` : extra);
    const set = { implicit: source.set(x), optional: `${x} !== undefined`, required: "true" }[field.presence];
    write.push(`if (${set}) { ${writeTag(tag)} ${source.write(x)} }`);
  }
  const need = [fixed, ...rooms].join(" + ");
  const make =
    rooms.length > 0
      ? `const need${fields[0]?.number} = ${need}; ${reserve(`need${fields[0]?.number}`)}`
      : reserve(need);
  return [...read, make, ...write].join("\n");
}

function field(field: FieldLayout, names: Names): string {
  const x = `x${field.number}`;
  const read = `const ${x} = ${property("v", field.name)};`;
  if (field.kind === "map") return `${read}\n${map(field, x, names)}`;
  if (field.kind === "list") return `${read}\n${list(field, x, names)}`;
  const write = `${reserve(String(tagRoom(field.tag) + 1))} ${writeTag(field.tag)} ${nested(field, x, names)}`;
  return field.field.presence === "required" ? `${read} ${write}` : `${read} if (${x} !== undefined) { ${write} }`;
}

/** A message after its tag, room for one byte of length being there. */
function nested({ message }: FieldLayout, x: string, names: Names): string {
  return `{ const q = p + 1; p = ${names.encoder(message)}(${x}, s, q, d - 1); ${patch} }`;
}

/** Fills in the length of what stands from `q` to `p`. */
const patch = `b = s.buffer; if (p - q < 128) b[q - 1] = p - q; else { p = patchLength(s, q, p); b = s.buffer; }`;

function list(field: FieldLayout, x: string, names: Names): string {
  const { scalar, tag } = field;
  const head = `${ensure(`Array.isArray(${x})`)}`;
  const size = tagRoom(tag);
  if (!scalar) {
    const each = `${reserve(String(size + 1))} ${writeTag(tag)} ${nested(field, `${x}[i]`, names)}`;
    return `${head} for (let i = 0; i < ${x}.length; i++) { ${each} }`;
  }
  const { test, room, write } = scalars[scalar];
  if (field.packed) {
    const each = `const e = ${x}[i]; ${ensure(test("e"))} ${write("e")}`;
    return `${head} if (${x}.length !== 0) { const n = ${x}.length; ${reserve(`(${size + 5} + ${room} * n)`)} ${writeTag(tag)}
const q = ++p; for (let i = 0; i < n; i++) { ${each} } ${patch} }`;
  }
  const need = `const need = ${size + room} + ${extraRoom(scalar, "e")}; ${reserve("need")}`;
  return `${head} for (let i = 0; i < ${x}.length; i++) { const e = ${x}[i]; ${ensure(test("e"))} ${need} ${writeTag(tag)} ${write("e")} }`;
}

/** Each entry is a message of key 1 and value 2; zero keys and values are left out, as ts-proto does. */
function map(entry: FieldLayout, x: string, names: Names): string {
  const { key = "string", scalar, tag } = entry;
  const head = `${reserve(String(tagRoom(tag) + 1))} ${writeTag(tag)} const q${entry.number} = ++p;`;
  const write = [part(key, 1, "k")];
  if (scalar) write.push(part(scalar, 2, "e"));
  else write.push(`${reserve("2")} b[p++] = ${tagOf(2, 2)}; ${nested(entry, "e", names)}`);
  return `${ensure(`${x} instanceof Map`)}
for (const [k, e] of ${x}) { ${head} ${write.join("\n")} const q = q${entry.number}; ${patch} }`;
}

function part(scalar: Scalar, number: number, x: string): string {
  const { test, set, room, write } = scalars[scalar];
  const extra = extraRoom(scalar, x);
  const need = extra ? `(${1 + room} + ${extra})` : String(1 + room);
  return `${ensure(test(x))} ${reserve(need)} if (${set(x)}) { b[p++] = ${tagOf(number, wireTypeOf(scalar))}; ${write(x)} }`;
}

function oneof({ name, members }: OneofLayout, names: Names): string {
  const o = `o${members[0]?.number}`;
  const cases = members.map(
    (member) => `case ${literal(member.name)}: { ${alternative(member, `${o}.value`, names)} break; }`,
  );
  return `const ${o} = ${property("v", name)}; if (${o} !== undefined) { ${ensure(`typeof ${o} === "object" && ${o} !== null`)}
switch (${o}.$case) {
${cases.join("\n")}
default: wrongValue(); } }`;
}

function alternative(member: FieldLayout, value: string, names: Names): string {
  const size = tagRoom(member.tag);
  if (!member.scalar) return `${reserve(String(size + 1))} ${writeTag(member.tag)} ${nested(member, value, names)}`;
  const { test, room, write } = scalars[member.scalar];
  const extra = extraRoom(member.scalar, "e");
  const need = extra ? `(${size + room} + ${extra})` : String(size + room);
  return `const e = ${value}; ${ensure(test("e"))} ${reserve(need)} ${writeTag(member.tag)} ${write("e")}`;
}
