import type { Buffer } from "node:buffer";
import type { ByteSink, MessageType, Scalar } from "../types.ts";
import { type FieldLayout, layoutOf, type MessageLayout, type OneofLayout, tagOf, wireTypeOf } from "./layout.ts";
import { describe, invalid, keyStep, type Path } from "./problem.ts";
import { type ScalarRules, scalarRules } from "./scalars.ts";
import { bufferOf, grow, patchLength, writeVarint32 } from "./wire-write.ts";

type Fields = Readonly<Record<string, unknown>>;

/** One encoding under way. */
interface Run {
  readonly type: MessageType;
  readonly sink: ByteSink;
  readonly path: Path;
  /** Whether the field being written must not be shown in errors. */
  sensitive: boolean;
}

/**
 * Encodes without generated code; also the way to a good error when generated code met a wrong value.
 * Throws a StatusError INVALID_ARGUMENT with the path of the field.
 */
export function interpretEncode(type: MessageType, value: unknown, sink: ByteSink, maxDepth: number): void {
  bufferOf(sink);
  message({ type, sink, path: [], sensitive: false }, layoutOf(type), value, maxDepth - 1);
}

function wrong(run: Run, expected: string, value: unknown): never {
  throw invalid(run.type, run.path, `expected ${expected}, got ${describe(value, run.sensitive)}`);
}

function at(run: Run, step: Path[number], write: () => void): void {
  run.path.push(step);
  write();
  run.path.pop();
}

function message(run: Run, layout: MessageLayout, value: unknown, depth: number): void {
  if (typeof value !== "object" || value === null) wrong(run, `a ${layout.type.name}`, value);
  if (depth < 0) throw invalid(run.type, run.path.slice(0, 8), "messages nest too deep, or in a circle");
  const fields = value as Fields;
  for (const unit of layout.units)
    at(run, unit.name, () => {
      if (unit.kind === "oneof") return oneof(run, unit, fields[unit.name], depth);
      const outside = run.sensitive;
      run.sensitive ||= unit.field.sensitive;
      field(run, unit, fields[unit.name], depth);
      run.sensitive = outside;
    });
}

function field(run: Run, field: FieldLayout, value: unknown, depth: number): void {
  if (field.kind === "map") return map(run, field, value, depth);
  if (field.kind === "list") return list(run, field, value, depth);
  const { presence } = field.field;
  if (value === undefined && presence === "required") throw invalid(run.type, run.path, "is required and missing");
  if (value === undefined && presence === "optional") return;
  if (!field.scalar) return nested(run, field.tag, field, value, depth);
  const rules = checked(run, field.scalar, value);
  if (presence !== "implicit" || !rules.isZero(value)) scalar(run, field.tag, rules, value);
}

function checked(run: Run, scalar: Scalar, value: unknown): ScalarRules {
  const rules = scalarRules[scalar];
  if (!rules.test(value)) wrong(run, rules.expected, value);
  return rules;
}

/** Writes through `write`, which is given a buffer with enough room. */
function put({ sink }: Run, room: number, write: (b: Buffer, position: number) => number): void {
  sink.position = write(grow(sink, sink.position, room), sink.position);
}

function scalar(run: Run, tag: number, rules: ScalarRules, value: unknown): void {
  put(run, 5 + rules.room(value as never), (b, p) => rules.write(b, writeVarint32(b, p, tag), value as never));
}

/** A tag, a length, and what `write` writes. */
function block(run: Run, tag: number, write: () => void): void {
  put(run, 6, (b, p) => writeVarint32(b, p, tag) + 1);
  const start = run.sink.position;
  write();
  run.sink.position = patchLength(run.sink, start, run.sink.position);
}

function nested(run: Run, tag: number, { message: type }: FieldLayout, value: unknown, depth: number): void {
  block(run, tag, () => message(run, layoutOf(type as MessageType), value, depth - 1));
}

function list(run: Run, field: FieldLayout, value: unknown, depth: number): void {
  if (!Array.isArray(value)) wrong(run, "a list", value);
  const each = (write: (item: unknown) => void) => {
    for (let i = 0; i < value.length; i++) at(run, i, () => write(value[i]));
  };
  if (!field.scalar) return each((item) => nested(run, field.tag, field, item, depth));
  const { scalar: type, packed, tag } = field;
  if (!packed) return each((item) => scalar(run, tag, checked(run, type, item), item));
  if (value.length === 0) return;
  block(run, tag, () =>
    each((item) => {
      const rules = checked(run, type, item);
      put(run, rules.room(item as never), (b, p) => rules.write(b, p, item as never));
    }),
  );
}

function map(run: Run, field: FieldLayout, value: unknown, depth: number): void {
  if (!(value instanceof Map)) wrong(run, "a Map", value);
  const keyType = field.key as Scalar;
  for (const [key, item] of value as ReadonlyMap<unknown, unknown>)
    at(run, keyStep(key, run.sensitive), () =>
      block(run, field.tag, () => {
        const keyRules = checked(run, keyType, key);
        if (!keyRules.isZero(key)) scalar(run, tagOf(1, wireTypeOf(keyType)), keyRules, key);
        if (!field.scalar) return nested(run, tagOf(2, 2), field, item, depth);
        const rules = checked(run, field.scalar, item);
        if (!rules.isZero(item)) scalar(run, tagOf(2, wireTypeOf(field.scalar)), rules, item);
      }),
    );
}

function oneof(run: Run, { members }: OneofLayout, value: unknown, depth: number): void {
  if (value === undefined) return;
  const chosen = value as { readonly $case?: unknown; readonly value?: unknown } | null;
  const member = members.find(({ name }) => typeof chosen === "object" && name === chosen?.$case);
  if (!member) {
    const cases = members.map(({ name }) => `"${name}"`).join(", ");
    wrong(run, `{ $case, value } with one of the cases ${cases}`, value);
  }
  const outside = run.sensitive;
  run.sensitive ||= member.field.sensitive;
  at(run, member.name, () => {
    if (!member.scalar) return nested(run, member.tag, member, chosen?.value, depth);
    scalar(run, member.tag, checked(run, member.scalar, chosen?.value), chosen?.value);
  });
  run.sensitive = outside;
}
