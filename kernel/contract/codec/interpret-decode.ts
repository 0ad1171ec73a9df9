import type { MessageType, Scalar } from "../types.ts";
import { emptyValue } from "./empty.ts";
import { fail, fault, lastFault } from "./fault.ts";
import { costOf, widthOf } from "./generate-decode.ts";
import { type FieldLayout, layoutOf, type MessageLayout, reachable, wireTypeOf, wireTypes } from "./layout.ts";
import { type DecodeLimits, mapEntryCost } from "./limits.ts";
import { invalid, keyStep, type Path } from "./problem.ts";
import { scalarRules } from "./scalars.ts";
import { cursor, readLength, readTag, skip, spend, spendPacked } from "./wire-read.ts";

type Fields = Record<string, unknown>;
type Chosen = { readonly $case: string; readonly value: unknown };

/** One decoding under way. */
interface Run {
  readonly b: Uint8Array;
  readonly path: Path;
  /** Where the field being read begins. */
  position: number;
}

/**
 * Decodes without generated code; also what generated code hands over to when bytes are wrong or a message comes in
 * pieces. Throws a StatusError INVALID_ARGUMENT with the path of the field.
 */
export function interpretDecode(
  type: MessageType,
  b: Uint8Array,
  start: number,
  end: number,
  limits: DecodeLimits,
): unknown {
  const run: Run = { b, path: [], position: start };
  cursor.heap = limits.maxHeapBytes;
  try {
    const value = message(run, layoutOf(type), undefined, start, end, limits.maxDepth - 1);
    if (hasRequired(type)) checkRequired(type, layoutOf(type), value, []);
    return value;
  } catch (error) {
    if (error !== fault) throw error;
    if (lastFault.final) throw tooCostly(type);
    const problem = `${lastFault.reason} (field at byte ${run.position - start})`;
    throw invalid(type, run.path, problem, "MALFORMED_BYTES");
  }
}

/** The error of bytes whose value would cost more than allowed. */
export const tooCostly = (type: MessageType) => invalid(type, [], lastFault.reason, "MALFORMED_BYTES");

function message(
  run: Run,
  layout: MessageLayout,
  into: Fields | undefined,
  start: number,
  end: number,
  depth: number,
): Fields {
  if (depth < 0) fail("messages nested deeper than maxDepth allows");
  spend(layout.cost);
  const target = into ?? emptyValue(layout);
  let p = start;
  while (p < end) {
    run.position = p;
    const tag = readTag(run.b, p, end);
    p = cursor.position;
    if (p === end) fail("the bytes end in the middle of a value");
    const field = layout.byNumber.get(tag >>> 3);
    p = field ? known(run, field, target, tag, p, end, depth) : skip(run.b, p, end, tag, depth);
  }
  return target;
}

function known(
  run: Run,
  field: FieldLayout,
  target: Fields,
  tag: number,
  p: number,
  end: number,
  depth: number,
): number {
  const wireType = tag & 7;
  const expected = field.kind === "map" ? wireTypes.length : wireTypeOf(field.scalar);
  const block = field.packed && wireType === wireTypes.length;
  if (wireType !== expected && !block) return skip(run.b, p, end, tag, depth);
  run.path.push(field.name);
  if (field.kind === "map") entry(run, field, target[field.name] as Map<unknown, unknown>, p, end, depth);
  else if (block) packed(run, field.scalar as Scalar, target[field.name] as unknown[], p, end);
  else if (field.kind === "list") element(run, field, target[field.name] as unknown[], p, end, depth);
  else single(run, field, target, p, end, depth);
  run.path.pop();
  return cursor.position;
}

/** One value; a message is merged into `before`. */
function value(run: Run, field: FieldLayout, before: unknown, p: number, end: number, depth: number): unknown {
  if (field.scalar) return scalarRules[field.scalar].read(run.b, p, end);
  const stop = readLength(run.b, p, end);
  const layout = layoutOf(field.message as MessageType);
  const read = message(run, layout, before as Fields | undefined, cursor.position, stop, depth - 1);
  cursor.position = stop;
  return read;
}

function single(run: Run, field: FieldLayout, target: Fields, p: number, end: number, depth: number): void {
  const { oneof } = field.field;
  if (oneof === undefined) {
    target[field.name] = value(run, field, target[field.name], p, end, depth);
    return;
  }
  const chosen = target[oneof] as Chosen | undefined;
  const before = chosen?.$case === field.name ? chosen.value : undefined;
  target[oneof] = { $case: field.name, value: value(run, field, before, p, end, depth) };
}

function element(run: Run, field: FieldLayout, into: unknown[], p: number, end: number, depth: number): void {
  run.path.push(into.length);
  if (field.scalar) spend(costOf(field.scalar));
  into.push(value(run, field, undefined, p, end, depth));
  run.path.pop();
}

function packed(run: Run, scalar: Scalar, into: unknown[], position: number, end: number): void {
  const stop = readLength(run.b, position, end);
  spendPacked(run.b, cursor.position, stop, widthOf(scalar), costOf(scalar));
  const { read } = scalarRules[scalar];
  while (cursor.position < stop) into.push(read(run.b, cursor.position, stop));
}

function entry(
  run: Run,
  field: FieldLayout,
  into: Map<unknown, unknown>,
  position: number,
  end: number,
  depth: number,
): void {
  spend(mapEntryCost);
  const stop = readLength(run.b, position, end);
  const keyType = field.key as Scalar;
  let key = scalarRules[keyType].zero();
  let item = field.scalar ? scalarRules[field.scalar].zero() : undefined;
  for (let p = cursor.position; p < stop; p = cursor.position) {
    const tag = readTag(run.b, p, stop);
    if (cursor.position === stop) fail("the bytes end in the middle of a value");
    if (tag === 8 + wireTypeOf(keyType)) key = scalarRules[keyType].read(run.b, cursor.position, stop);
    else if (tag === 16 + wireTypeOf(field.scalar)) {
      run.path.push(keyStep(key, field.field.sensitive));
      item = value(run, field, item, cursor.position, stop, depth);
      run.path.pop();
    } else cursor.position = skip(run.b, cursor.position, stop, tag, depth);
  }
  if (item === undefined) item = message(run, layoutOf(field.message as MessageType), undefined, stop, stop, depth - 1);
  cursor.position = stop;
  into.set(key, item);
}

const required = new WeakMap<MessageType, boolean>();

function hasRequired(type: MessageType): boolean {
  let known = required.get(type);
  if (known === undefined) {
    known = reachable([type]).some(({ fields }) => fields.some(({ presence }) => presence === "required"));
    required.set(type, known);
  }
  return known;
}

/** Whether required fields are there is known only when all pieces of a message have been read. */
function checkRequired(root: MessageType, layout: MessageLayout, value: Fields, path: Path): void {
  for (const unit of layout.fields) {
    const { oneof, presence } = unit.field;
    const chosen = oneof === undefined ? undefined : (value[oneof] as Chosen | undefined);
    const found = oneof === undefined ? value[unit.name] : chosen?.$case === unit.name ? chosen.value : undefined;
    if (found === undefined && presence === "required")
      throw invalid(root, [...path, unit.name], "is required and missing", "MALFORMED_BYTES");
    if (!unit.message || found === undefined) continue;
    const inner = layoutOf(unit.message);
    const check = (item: unknown, ...steps: Path) =>
      checkRequired(root, inner, item as Fields, [...path, unit.name, ...steps]);
    if (unit.kind === "map")
      for (const [key, item] of found as Map<unknown, unknown>) check(item, keyStep(key, unit.field.sensitive));
    else if (unit.kind === "list") for (const [i, item] of (found as unknown[]).entries()) check(item, i);
    else check(found);
  }
}
