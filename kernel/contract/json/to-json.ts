import { type FieldLayout, layoutOf, type OneofLayout } from "../codec/layout.ts";
import { describe, invalid, keyStep, type Path } from "../codec/problem.ts";
import { scalarRules } from "../codec/scalars.ts";
import { enumValueName } from "../proto/names.ts";
import type { EnumType, MessageType, Scalar } from "../types.ts";
import { scalarToJson } from "./scalar.ts";
import { specialOf } from "./special.ts";
import { type JsonObject, type JsonValue, setOwn } from "./value.ts";

export interface ToJsonOptions {
  /** Also write fields that have their default value: zero, empty, false. Default false. */
  readonly emitDefaults?: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** One conversion under way. */
interface Run {
  readonly root: MessageType;
  readonly path: Path;
  readonly emitDefaults: boolean;
  sensitive: boolean;
}

const deepest = 100;

/** The value in proto3's JSON mapping. Throws a StatusError INVALID_ARGUMENT with the path of a field of the wrong type. */
export function toJson(root: MessageType, value: unknown, { emitDefaults = false }: ToJsonOptions = {}): JsonValue {
  return message({ root, path: [], emitDefaults, sensitive: false }, root, value, deepest);
}

function wrong(run: Run, expected: string, value: unknown): never {
  throw invalid(run.root, run.path, `expected ${expected}, got ${describe(value, run.sensitive)}`);
}

/** Steps into a field or element; `leave` takes back what `enter` gave. Nobody leaves after an error: the run is over. */
function enter(run: Run, step: Path[number], sensitive: boolean): boolean {
  const outside = run.sensitive;
  run.path.push(step);
  run.sensitive ||= sensitive;
  return outside;
}

function leave(run: Run, outside: boolean): void {
  run.sensitive = outside;
  run.path.pop();
}

function message(run: Run, type: MessageType, value: unknown, depth: number): JsonValue {
  if (typeof value !== "object" || value === null) return wrong(run, `a ${type.name}`, value);
  if (depth <= 0) throw invalid(run.root, run.path.slice(0, 8), "messages nest too deep, or in a circle");
  const special = specialOf(type);
  if (special) {
    const nested = (inner: MessageType, item: unknown) => message(run, inner, item, depth - 1);
    const json = special.toJson(value, type, nested);
    return json === undefined ? wrong(run, special.expected, value) : json;
  }
  const into: Record<string, JsonValue> = {};
  for (const unit of layoutOf(type).properties) {
    const item = (value as Fields)[unit.name];
    if (unit.kind === "oneof") oneof(run, unit, item, into, depth);
    else put(run, unit, item, into, depth);
  }
  return into;
}

function oneof(
  run: Run,
  { name, members }: OneofLayout,
  value: unknown,
  into: Record<string, JsonValue>,
  depth: number,
): void {
  if (value === undefined) return;
  const chosen = value as { readonly $case?: unknown; readonly value?: unknown } | null;
  const member = members.find((each) => typeof chosen === "object" && each.name === chosen?.$case);
  if (!member) {
    const cases = members.map((each) => `"${each.name}"`).join(", ");
    enter(run, name, false);
    return wrong(run, `{ $case, value } with one of the cases ${cases}`, value);
  }
  const outside = enter(run, member.name, member.field.sensitive);
  setOwn(into, member.name, single(run, member, chosen?.value, depth));
  leave(run, outside);
}

function put(run: Run, layout: FieldLayout, value: unknown, into: Record<string, JsonValue>, depth: number): void {
  const outside = enter(run, layout.name, layout.field.sensitive);
  const json = field(run, layout, value, depth);
  if (json !== undefined) setOwn(into, layout.name, json);
  leave(run, outside);
}

/** Nothing where the field is not written. */
function field(run: Run, layout: FieldLayout, value: unknown, depth: number): JsonValue | undefined {
  if (layout.kind === "list") return list(run, layout, value, depth);
  if (layout.kind === "map") return map(run, layout, value, depth);
  const { presence } = layout.field;
  if (value === undefined && presence === "required") throw invalid(run.root, run.path, "is required and missing");
  if (value === undefined && presence === "optional") return undefined;
  const json = single(run, layout, value, depth);
  const written = run.emitDefaults || presence !== "implicit" || !scalarRules[layout.scalar as Scalar].isZero(value);
  return written ? json : undefined;
}

function single(run: Run, layout: FieldLayout, value: unknown, depth: number): JsonValue {
  const { scalar, message: type, enum: enumeration } = layout;
  if (!scalar) return message(run, type as MessageType, value, depth - 1);
  const rules = scalarRules[scalar];
  if (!rules.test(value)) return wrong(run, rules.expected, value);
  return enumeration ? enumToJson(enumeration, value as number) : scalarToJson(value);
}

function enumToJson(type: EnumType, value: number): JsonValue {
  if (type.name === "google.protobuf.NullValue") return null;
  const name = Object.keys(type.values).find((key) => type.values[key] === value);
  return name === undefined ? value : enumValueName(type, name);
}

function list(run: Run, layout: FieldLayout, value: unknown, depth: number): JsonValue | undefined {
  if (!Array.isArray(value)) return wrong(run, "a list", value);
  if (value.length === 0 && !run.emitDefaults) return undefined;
  return Array.from(value, (item, i) => {
    const outside = enter(run, i, false);
    const json = single(run, layout, item, depth);
    leave(run, outside);
    return json;
  });
}

function map(run: Run, layout: FieldLayout, value: unknown, depth: number): JsonObject | undefined {
  if (!(value instanceof Map)) return wrong(run, "a Map", value);
  if (value.size === 0 && !run.emitDefaults) return undefined;
  const rules = scalarRules[layout.key as Scalar];
  const into: Record<string, JsonValue> = {};
  for (const [key, item] of value as ReadonlyMap<unknown, unknown>) {
    const outside = enter(run, keyStep(key, run.sensitive), false);
    if (!rules.test(key)) wrong(run, `${rules.expected} as key`, key);
    setOwn(into, String(key), single(run, layout, item, depth));
    leave(run, outside);
  }
  return into;
}
