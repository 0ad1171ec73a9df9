import { describe, invalid, keyStep, type Path } from "../codec/problem.ts";
import { type ScalarRules, scalarRules } from "../codec/scalars.ts";
import type { Field, MessageType, ValueType } from "../types.ts";
import type { ValueForm } from "./value-form.ts";

const maxDepth = 100;
const maxValues = 4_000_000;

/** Turns the messages of one type into values of a format, and back. */
export interface Mapping<T, V> {
  /** Throws a StatusError INVALID_ARGUMENT with the path of a field that does not fit its type. */
  toValue(message: T): V;
  /** Unknown fields are ignored. Throws a StatusError INVALID_ARGUMENT with the path of what is malformed. */
  fromValue(value: V): T;
}

/** One conversion under way. */
interface Run<V> {
  readonly root: MessageType;
  readonly form: ValueForm<V>;
  readonly path: Path;
  /** Values met so far: shared values count as often as they are met, which bounds what a few bytes can unfold to. */
  values: number;
}

/** The mapping of one message type to a format. */
export function mapping<T, V>(type: MessageType<T>, form: ValueForm<V>): Mapping<T, V> {
  const run = (): Run<V> => ({ root: type, form, path: [], values: 0 });
  return {
    toValue: (message) => writeMessage(run(), type, message),
    fromValue: (value) => readMessage(run(), type, value) as T,
  };
}

function wrong(run: Run<unknown>, expected: string, value: unknown, sensitive: boolean): never {
  throw invalid(run.root, run.path.slice(0, 8), `expected ${expected}, got ${describe(value, sensitive)}`);
}

/** Goes one step further down; `run.path.pop()` comes back. A failure leaves the path at what has failed. */
function enter<V>(run: Run<V>, step: Path[number]): void {
  if (run.path.length >= maxDepth)
    throw invalid(run.root, run.path.slice(0, 8), "messages nest too deep, or in a circle");
  if (++run.values > maxValues) throw invalid(run.root, run.path.slice(0, 8), `holds more than ${maxValues} values`);
  run.path.push(step);
}

type Fields = Readonly<Record<string, unknown>>;

function writeMessage<V>(run: Run<V>, type: MessageType, message: unknown): V {
  if (typeof message !== "object" || message === null) wrong(run, `a ${type.name}`, message, false);
  const chosen = type.oneofs.length === 0 ? noCases : casesOf(run, type, message as Fields);
  const fields: (readonly [string, V])[] = [];
  for (const field of type.fields) {
    const value = field.oneof === undefined ? (message as Fields)[field.name] : chosen.get(field.name);
    enter(run, field.name);
    fields.push([field.name, writeField(run, field, value)]);
    run.path.pop();
  }
  return run.form.object(type, fields);
}

const noCases: ReadonlyMap<string, unknown> = new Map();

/** The alternatives that are set, by the name of their field. */
function casesOf(run: Run<unknown>, type: MessageType, message: Fields): ReadonlyMap<string, unknown> {
  const chosen = new Map<string, unknown>();
  for (const name of type.oneofs) {
    const value = message[name] as { readonly $case?: unknown; readonly value?: unknown } | undefined;
    if (value === undefined) continue;
    const member = type.fields.find((field) => field.oneof === name && field.name === value?.$case);
    if (!member) {
      enter(run, name);
      wrong(run, "{ $case, value } with one of its cases", value, false);
    } else chosen.set(member.name, value.value);
  }
  return chosen;
}

function writeField<V>(run: Run<V>, field: Field, value: unknown): V {
  const { form } = run;
  if (field.mapKey !== undefined) return writeMap(run, field, value);
  if (field.repeated) {
    if (!Array.isArray(value)) wrong(run, "a list", value, field.sensitive);
    const items: V[] = [];
    for (let i = 0; i < value.length; i++) {
      enter(run, i);
      items.push(writeValue(run, field.type, value[i], field.sensitive));
      run.path.pop();
    }
    return form.list(items);
  }
  if (value !== undefined) return writeValue(run, field.type, value, field.sensitive);
  if (field.presence === "optional") return form.absent;
  if (field.presence === "required") throw invalid(run.root, run.path, "is required and missing");
  return wrong(run, "a value", value, field.sensitive);
}

function writeMap<V>(run: Run<V>, field: Field, value: unknown): V {
  if (!(value instanceof Map)) wrong(run, "a Map", value, field.sensitive);
  const key = scalarRules[field.mapKey as keyof typeof scalarRules];
  const entries: (readonly [V, V])[] = [];
  for (const [name, item] of value as ReadonlyMap<unknown, unknown>) {
    enter(run, keyStep(name, field.sensitive));
    entries.push([
      run.form.scalar(field.mapKey ?? "string", checked(run, key, name, field.sensitive)),
      writeValue(run, field.type, item, field.sensitive),
    ]);
    run.path.pop();
  }
  return run.form.map(entries);
}

function writeValue<V>(run: Run<V>, type: ValueType, value: unknown, sensitive: boolean): V {
  if (type.kind === "message") return writeMessage(run, type.message(), value);
  if (type.kind === "scalar")
    return run.form.scalar(type.scalar, checked(run, scalarRules[type.scalar], value, sensitive));
  return run.form.enumeration(type.enum(), checked(run, scalarRules.int32, value, sensitive) as number);
}

function checked(run: Run<unknown>, rules: ScalarRules, value: unknown, sensitive: boolean): unknown {
  return rules.test(value) ? value : wrong(run, rules.expected, value, sensitive);
}

function readMessage<V>(run: Run<V>, type: MessageType, value: V): Fields {
  const get = run.form.readObject(type, value);
  if (!get) wrong(run, `a ${type.name}`, value, false);
  const message: Record<string, unknown> = {};
  for (const field of type.fields) {
    const given = get(field.name);
    if (field.oneof !== undefined) {
      if (given === undefined || run.form.isAbsent(given)) continue;
      enter(run, field.name);
      message[field.oneof] = { $case: field.name, value: readValue(run, field.type, given, field.sensitive) };
      run.path.pop();
    } else {
      enter(run, field.name);
      const read = readField(run, field, given);
      run.path.pop();
      if (read !== undefined) message[field.name] = read;
    }
  }
  return message;
}

function readField<V>(run: Run<V>, field: Field, value: V | undefined): unknown {
  if (value === undefined || run.form.isAbsent(value)) return zeroOf(run, field);
  if (field.mapKey !== undefined) return readMap(run, field, value);
  if (!field.repeated) return readValue(run, field.type, value, field.sensitive);
  const items = run.form.readList(value);
  if (!items) wrong(run, "a list", value, field.sensitive);
  const read: unknown[] = [];
  for (let i = 0; i < items.length; i++) {
    enter(run, i);
    read.push(readValue(run, field.type, items[i] as V, field.sensitive));
    run.path.pop();
  }
  return read;
}

function zeroOf(run: Run<unknown>, { presence, mapKey, repeated, type }: Field): unknown {
  if (mapKey !== undefined) return new Map();
  if (repeated) return [];
  if (presence === "required") throw invalid(run.root, run.path, "is required and missing");
  if (presence === "optional" || type.kind === "message") return undefined;
  return type.kind === "scalar" ? scalarRules[type.scalar].zero() : 0;
}

function readMap<V>(run: Run<V>, field: Field, value: V): ReadonlyMap<unknown, unknown> {
  const entries = run.form.readMap(value);
  if (!entries) wrong(run, "a map", value, field.sensitive);
  const map = new Map<unknown, unknown>();
  for (const [key, item] of entries) {
    const name = readScalar(run, field.mapKey ?? "string", key, field.sensitive);
    enter(run, keyStep(name, field.sensitive));
    map.set(name, readValue(run, field.type, item, field.sensitive));
    run.path.pop();
  }
  return map;
}

function readValue<V>(run: Run<V>, type: ValueType, value: V, sensitive: boolean): unknown {
  if (type.kind === "message") return readMessage(run, type.message(), value);
  if (type.kind === "scalar") return readScalar(run, type.scalar, value, sensitive);
  const number = run.form.readEnumeration(type.enum(), value);
  return scalarRules.int32.test(number) ? number : wrong(run, `a ${type.enum().name}`, value, sensitive);
}

function readScalar<V>(run: Run<V>, scalar: keyof typeof scalarRules, value: V, sensitive: boolean): unknown {
  const read = run.form.readScalar(scalar, value);
  const rules = scalarRules[scalar];
  return rules.test(read) ? read : wrong(run, rules.expected, value, sensitive);
}
