import type { ConfigPath } from "./config.ts";
import { type KernelErrorCode, reasonOf } from "./errors.ts";
import { suggestion } from "./nearest.ts";
import { knownOptions, unknownOptions } from "./option-names.ts";
import type { Plugin } from "./plugin.ts";
import { type JsonSchema, jsonSchemaOf, type Schema, type SchemaIssue, type SchemaResult } from "./schema.ts";

/** One thing wrong with the options of a plugin; `path` starts within the options. */
export interface OptionFault {
  readonly code: KernelErrorCode;
  readonly message: string;
  readonly path: ConfigPath;
}

/** The complete, frozen options of a plugin; with faults there are none. */
export interface OptionsRead {
  readonly options: unknown;
  readonly faults: readonly OptionFault[];
}

/** Checks raw options and completes them. Nothing given counts as no options. */
export function readOptions(plugin: Plugin, key: string, raw: unknown): OptionsRead {
  const given = raw ?? {};
  if (!plugin.options) {
    if (isEmpty(given)) return { options: Object.freeze({}), faults: [] };
    const message = `${key} takes no options. Remove them.`;
    return { options: undefined, faults: [{ code: "OPTIONS_NOT_TAKEN", message, path: [] }] };
  }
  return checkOptions(plugin.options, key, given);
}

function checkOptions(schema: Schema, key: string, given: unknown): OptionsRead {
  const result = validate(schema, given);
  if ("code" in result) {
    return { options: undefined, faults: [{ ...result, message: `${key}: ${result.message}`, path: [] }] };
  }
  if (!result.issues && isKept(given, result.value)) return { options: frozen(result.value), faults: [] };
  const json = jsonSchemaOf(schema);
  const faults = [
    ...misspelt(json, key, given),
    ...(result.issues ?? []).flatMap((issue) => issueFaults(issue, key, json)),
  ];
  if (!result.issues && faults.length === 0) return { options: frozen(result.value), faults };
  return { options: undefined, faults: withoutRepeats(faults) };
}

/** A strict schema and its JSON Schema both report a misspelt option. */
function withoutRepeats(faults: readonly OptionFault[]): OptionFault[] {
  return [...new Map(faults.map((fault) => [fault.message, fault])).values()];
}

type Validated = SchemaResult<unknown> | { readonly code: KernelErrorCode; readonly message: string };

function validate(schema: Schema, given: unknown): Validated {
  try {
    const result = schema["~standard"].validate(given);
    if (!(result instanceof Promise)) return result;
    result.catch(() => undefined);
    return {
      code: "OPTIONS_ASYNC",
      message: "its schema answers asynchronously, but options are checked while planning.",
    };
  } catch (error) {
    return { code: "OPTIONS_INVALID", message: `its schema failed: ${reasonOf(error)}` };
  }
}

function misspelt(json: JsonSchema | undefined, key: string, given: unknown): OptionFault[] {
  return unknownOptions(json, given).map(({ path, name, known }) => unknownOption(key, path, name, known));
}

function unknownOption(key: string, path: ConfigPath, name: string, known: readonly string[]): OptionFault {
  const message = `${key}: unknown option "${[...path, name].join(".")}".${suggestion(name, known)}`;
  return { code: "OPTION_UNKNOWN", message, path: [...path, name] };
}

/** Whether every name given is in the outcome too. Then none is misspelt, and its schema need not be looked at. */
function isKept(given: unknown, outcome: unknown): boolean {
  if (typeof given !== "object" || given === null) return true;
  if (typeof outcome !== "object" || outcome === null) return false;
  return Object.entries(given).every(
    ([name, part]) => Object.hasOwn(outcome, name) && isKept(part, Reflect.get(outcome, name)),
  );
}

/** Some vendors report unknown names as one issue that lists them under `keys`. */
function issueFaults(issue: SchemaIssue, key: string, json: JsonSchema | undefined): OptionFault[] {
  const path = (issue.path ?? []).map((step) => plainStep(typeof step === "object" ? step.key : step));
  const keys: unknown = "keys" in issue ? issue.keys : undefined;
  if ("code" in issue && issue.code === "unrecognized_keys" && Array.isArray(keys)) {
    return keys.map((name) => unknownOption(key, path, String(name), knownOptions(json, path)));
  }
  const where = path.length > 0 ? `option "${path.join(".")}"` : "options";
  return [{ code: "OPTIONS_INVALID", message: `${key}: ${where}: ${issue.message}`, path }];
}

function plainStep(step: PropertyKey): string | number {
  return typeof step === "symbol" ? String(step) : step;
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}

/** A frozen copy of plain data; objects of classes are handed on as they are. */
function frozen(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze(value.map(frozen));
  if (typeof value !== "object" || value === null || !isPlain(value)) return value;
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([name, part]) => [name, frozen(part)])));
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
