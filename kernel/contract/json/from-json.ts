import { suggestion } from "../../core/nearest.ts";
import { emptyValue } from "../codec/empty.ts";
import { type FieldLayout, layoutOf, type MessageLayout } from "../codec/layout.ts";
import { invalid, type Path } from "../codec/problem.ts";
import { scalarRules } from "../codec/scalars.ts";
import { enumValueName, snakeCase } from "../proto/names.ts";
import type { EnumType, MessageType, Scalar } from "../types.ts";
import { keyFromJson, scalarFromJson } from "./scalar.ts";
import { specialOf } from "./special.ts";
import { isObject, type JsonObject, type JsonValue } from "./value.ts";

export interface FromJsonOptions {
  /** Pass over fields and enum names the contract does not know, instead of failing. Default false. */
  readonly ignoreUnknown?: boolean;
}

/** One conversion under way. */
interface Run {
  readonly root: MessageType;
  readonly path: Path;
  readonly ignoreUnknown: boolean;
  sensitive: boolean;
}

type Fields = Record<string, unknown>;

/** Stands for an enum name nobody knows, where those are ignored. */
const unknown = Symbol("unknown enum value");
const deepest = 100;

/**
 * A complete value from proto3's JSON mapping: names in camelCase or snake_case, absent and null fields at their default.
 * Throws a StatusError INVALID_ARGUMENT with the path of what is wrong, and for unknown names what was probably meant.
 */
export function fromJson(root: MessageType, json: unknown, { ignoreUnknown = false }: FromJsonOptions = {}): unknown {
  return message({ root, path: [], ignoreUnknown, sensitive: false }, root, json as JsonValue, deepest);
}

function wrong(run: Run, expected: string, json: JsonValue): never {
  throw invalid(run.root, run.path, `expected ${expected}, got ${shown(json, run.sensitive)}`);
}

function shown(json: JsonValue | undefined, sensitive: boolean): string {
  if (json === undefined) return "nothing";
  if (json === null) return "null";
  if (Array.isArray(json)) return "a list";
  if (typeof json === "object") return "an object";
  const text = JSON.stringify(json);
  return sensitive || text.length > 40 ? `a ${typeof json}` : text;
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

function message(run: Run, type: MessageType, json: JsonValue, depth: number): unknown {
  if (depth <= 0) throw invalid(run.root, run.path.slice(0, 8), "the JSON nests too deep");
  const special = specialOf(type);
  if (special) {
    const nested = (inner: MessageType, item: JsonValue) => message(run, inner, item, depth - 1);
    return special.fromJson(json, type, nested) ?? wrong(run, special.expected, json);
  }
  if (!isObject(json)) return wrong(run, `an object with the fields of ${type.name}`, json);
  const layout = layoutOf(type);
  const fields = names(layout);
  const value = emptyValue(layout);
  for (const name of Object.keys(json)) {
    const field = fields.get(name);
    if (field) assign(run, value, name, field, json, depth);
    else if (!run.ignoreUnknown)
      throw invalid(run.root, [...run.path, name], `${type.name} has no such field.${suggestion(name, known(layout))}`);
  }
  for (const { name, field } of layout.fields)
    if (field.presence === "required" && value[name] === undefined)
      throw invalid(run.root, [...run.path, name], "is required and missing");
  return value;
}

const known = (layout: MessageLayout): string[] => layout.fields.map(({ name }) => name);

const byName = new WeakMap<MessageLayout, ReadonlyMap<string, FieldLayout>>();

/** Fields by their JSON names and by their names in `.proto` files. */
function names(layout: MessageLayout): ReadonlyMap<string, FieldLayout> {
  let found = byName.get(layout);
  if (!found) {
    const protoNames = layout.fields.map((one) => [one.field.protoName ?? snakeCase(one.name), one] as const);
    found = new Map([...protoNames, ...layout.fields.map((one) => [one.name, one] as const)]);
    byName.set(layout, found);
  }
  return found;
}

function assign(run: Run, value: Fields, name: string, layout: FieldLayout, owner: JsonObject, depth: number): void {
  const json = owner[name] as JsonValue;
  if (json === null && !takesNull(layout)) return;
  const outside = enter(run, name, layout.field.sensitive);
  const { oneof } = layout.field;
  if (name !== layout.name && Object.hasOwn(owner, layout.name)) throw invalid(run.root, run.path, "is given twice");
  if (oneof !== undefined && value[oneof] !== undefined)
    throw invalid(run.root, run.path, `only one of ${oneof} may be set`);
  if (layout.kind === "list") value[layout.name] = list(run, layout, json, depth);
  else if (layout.kind === "map") value[layout.name] = map(run, layout, json, depth);
  else {
    const item = single(run, layout, json, depth);
    if (item === unknown) return leave(run, outside);
    value[oneof ?? layout.name] = oneof === undefined ? item : { $case: layout.name, value: item };
  }
  leave(run, outside);
}

/** google.protobuf.Value and NullValue have a null of their own. */
function takesNull({ kind, message: type, enum: enumeration }: FieldLayout): boolean {
  if (kind !== "single") return false;
  return type?.name === "google.protobuf.Value" || enumeration?.name === "google.protobuf.NullValue";
}

function single(
  run: Run,
  { scalar, message: type, enum: enumeration }: FieldLayout,
  json: JsonValue,
  depth: number,
): unknown {
  if (!scalar) return message(run, type as MessageType, json, depth - 1);
  if (enumeration) return enumFromJson(run, enumeration, json);
  const rules = scalarRules[scalar];
  const value = scalarFromJson(scalar, json);
  return rules.test(value) ? value : wrong(run, inJson[scalar] ?? rules.expected, json);
}

const int64 = "a whole number of 64 bits, as text or, up to 2^53 - 1, as a number";
const uint64 = "a whole number of 64 bits from 0 up, as text or, up to 2^53 - 1, as a number";

/** What a value must be where that differs from its type in TypeScript. */
const inJson: Partial<Readonly<Record<Scalar, string>>> = {
  double: 'a number, "NaN", "Infinity" or "-Infinity"',
  float: 'a number within the range of float, "NaN", "Infinity" or "-Infinity"',
  int64,
  sint64: int64,
  sfixed64: int64,
  uint64,
  fixed64: uint64,
  bytes: "base64",
};

function enumFromJson(run: Run, type: EnumType, json: JsonValue): unknown {
  if (json === null && type.name === "google.protobuf.NullValue") return 0;
  if (typeof json === "number" && (json | 0) === json) return json;
  if (typeof json !== "string") return wrong(run, `a value of ${type.name}`, json);
  const value = Object.entries(type.values).find(([name]) => name === json || enumValueName(type, name) === json);
  if (value) return value[1];
  if (run.ignoreUnknown) return unknown;
  throw invalid(
    run.root,
    run.path,
    `${type.name} has no value ${shown(json, run.sensitive)}.${suggestion(json, Object.keys(type.values))}`,
  );
}

function list(run: Run, layout: FieldLayout, json: JsonValue, depth: number): unknown[] {
  if (!Array.isArray(json)) return wrong(run, "a list", json);
  const into: unknown[] = [];
  for (let i = 0; i < json.length; i++) {
    const outside = enter(run, i, false);
    const item = single(run, layout, json[i], depth);
    if (item !== unknown) into.push(item);
    leave(run, outside);
  }
  return into;
}

function map(run: Run, layout: FieldLayout, json: JsonValue, depth: number): ReadonlyMap<unknown, unknown> {
  if (!isObject(json)) return wrong(run, "an object", json);
  const keyType = layout.key as Scalar;
  const into = new Map<unknown, unknown>();
  for (const text of Object.keys(json)) {
    const outside = enter(run, run.sensitive ? undefined : JSON.stringify(text), false);
    const key = keyFromJson(keyType, text);
    const { test, expected } = scalarRules[keyType];
    if (!test(key)) wrong(run, `${inJson[keyType] ?? expected} as key`, text);
    const item = single(run, layout, json[text] as JsonValue, depth);
    if (item !== unknown) into.set(key, item);
    leave(run, outside);
  }
  return into;
}
