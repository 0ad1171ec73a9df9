import { type FieldLayout, layoutOf, type Unit } from "../codec/layout.ts";
import { describe, invalid, keyStep, type Path } from "../codec/problem.ts";
import { scalarRules } from "../codec/scalars.ts";
import { enumValueName } from "../proto/names.ts";
import type { EnumType, MessageType, Scalar } from "../types.ts";
import { scalarToJson } from "./scalar.ts";
import { specialOf } from "./special.ts";
import type { JsonObject, JsonValue } from "./value.ts";

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

function at<T>(run: Run, step: Path[number], sensitive: boolean, work: () => T): T {
  const outside = run.sensitive;
  run.path.push(step);
  run.sensitive ||= sensitive;
  const result = work();
  run.sensitive = outside;
  run.path.pop();
  return result;
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
  const members = layoutOf(type).properties.flatMap((unit) => unitEntries(run, unit, value as Fields, depth));
  return Object.fromEntries(members);
}

type Entry = readonly [string, JsonValue];

function unitEntries(run: Run, unit: Unit, owner: Fields, depth: number): readonly Entry[] {
  const value = owner[unit.name];
  if (unit.kind !== "oneof") {
    const json = at(run, unit.name, unit.field.sensitive, () => field(run, unit, value, depth));
    return json === undefined ? [] : [[unit.name, json]];
  }
  if (value === undefined) return [];
  const chosen = value as { readonly $case?: unknown; readonly value?: unknown } | null;
  const member = unit.members.find(({ name }) => typeof chosen === "object" && name === chosen?.$case);
  const cases = unit.members.map(({ name }) => `"${name}"`).join(", ");
  if (!member)
    return at(run, unit.name, false, () => wrong(run, `{ $case, value } with one of the cases ${cases}`, value));
  return [[member.name, at(run, member.name, member.field.sensitive, () => single(run, member, chosen?.value, depth))]];
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

function single(
  run: Run,
  { scalar, message: type, enum: enumeration }: FieldLayout,
  value: unknown,
  depth: number,
): JsonValue {
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
  return value.map((item, i) => at(run, i, false, () => single(run, layout, item, depth)));
}

function map(run: Run, layout: FieldLayout, value: unknown, depth: number): JsonObject | undefined {
  if (!(value instanceof Map)) return wrong(run, "a Map", value);
  if (value.size === 0 && !run.emitDefaults) return undefined;
  const rules = scalarRules[layout.key as Scalar];
  return Object.fromEntries(
    [...(value as ReadonlyMap<unknown, unknown>)].map(([key, item]) =>
      at(run, keyStep(key, run.sensitive), false, () => {
        if (!rules.test(key)) wrong(run, `${rules.expected} as key`, key);
        return [String(key), single(run, layout, item, depth)];
      }),
    ),
  );
}
