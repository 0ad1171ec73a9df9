import { suggestion } from "../../core/nearest.ts";
import { specialOf } from "../json/special.ts";
import { ContractError } from "../message.ts";
import type { Field, MessageType, Method, MethodKind } from "../types.ts";
import type { RestRule, RestSegment } from "./rule.ts";

/** A method whose rule is compiled. */
export interface RestMethod {
  readonly kind: MethodKind;
  readonly input: MessageType;
}

const verbs = ["get", "put", "post", "patch", "delete"] as const;
const bodiless: ReadonlySet<string> = new Set(["get", "delete"]);
const literal = /^[A-Za-z0-9._~-]+$/;

/** Compiles what a method declares as `rest`. Throws a ContractError that begins with `where`. */
export function compileRest(where: string, spec: object, { kind, input }: RestMethod): RestRule {
  const wrong = (why: string) => new ContractError(`${where}, rest: ${why}`);
  const given = spec as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(given).find((key) => key !== "body" && !(verbs as readonly string[]).includes(key));
  if (unknown !== undefined) throw wrong(`"${unknown}" is no verb.${suggestion(unknown, [...verbs, "body"])}`);
  const [verb, second] = verbs.filter((one) => given[one] !== undefined);
  if (verb === undefined || second !== undefined) throw wrong(`give one of ${verbs.join(", ")} with a path`);
  const path = given[verb];
  if (typeof path !== "string") throw wrong("a path is a text");
  if (kind === "client-stream" || kind === "bidi-stream")
    throw wrong("HTTP carries no stream of requests as REST has it; leave the declaration out");
  const { segments, action } = parsePath(path, wrong);
  const inPath = segments.flatMap((segment) => ("field" in segment ? [segment.field] : []));
  for (const field of inPath) checkParameter(field, input, wrong);
  const names = inPath.map((field) => field.join("."));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw wrong(`{${twice}} stands twice in the path`);
  const body = bodyOf(verb, given.body, input, inPath, wrong);
  if (body !== "*") checkQuery(input, inPath, body, wrong);
  return Object.freeze({ verb: verb.toUpperCase() as RestRule["verb"], path, segments, action, body });
}

/** How a method without a declaration is called: by its path, the whole request in the body. */
export function restRuleOf({ rest, path }: Pick<Method, "rest" | "path">): RestRule {
  if (rest) return rest;
  const segments = path.split("/").map((text) => ({ text }));
  return { verb: "POST", path: `/${path}`, segments, action: undefined, body: "*" };
}

/** What two rules that cannot be told apart have in common. */
export function restShape({ verb, segments, action }: RestRule): string {
  const path = segments.map((segment) => ("text" in segment ? segment.text : "{}")).join("/");
  return `${verb} /${path}${action === undefined ? "" : `:${action}`}`;
}

type Wrong = (why: string) => ContractError;

function parsePath(path: string, wrong: Wrong): { segments: readonly RestSegment[]; action: string | undefined } {
  if (!path.startsWith("/") || path === "/") throw wrong(`the path "${path}" begins with "/" and a name`);
  const pattern = /\{[^}]*=.*\}/.exec(path)?.[0];
  if (pattern !== undefined)
    throw wrong(`${pattern} in the path: patterns are not known; write the name of the field alone`);
  const colon = path.lastIndexOf(":");
  const action = colon < 0 ? undefined : path.slice(colon + 1);
  if (action !== undefined && !literal.test(action)) throw wrong(`":${action}" at the end of the path is no name`);
  const parts = path.slice(1, colon < 0 ? undefined : colon).split("/");
  return { segments: Object.freeze(parts.map((part) => parseSegment(part, path, wrong))), action };
}

function parseSegment(part: string, path: string, wrong: Wrong): RestSegment {
  const name = /^\{([^{}]*)\}$/.exec(part)?.[1];
  if (name !== undefined) {
    if (/^[a-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*)*$/.test(name)) return Object.freeze({ field: name.split(".") });
    throw wrong(`{${name}} in the path names no field`);
  }
  if (part === "") throw wrong(`the path "${path}" has an empty part`);
  if (!literal.test(part) || part === "." || part === "..")
    throw wrong(`"${part}" in the path: use letters, digits, ".", "_", "~" and "-", or one {field} between slashes`);
  return Object.freeze({ text: part });
}

function fieldOf(name: string, type: MessageType, wrong: Wrong): Field {
  const found = type.fields.find((field) => field.name === name);
  if (found) return found;
  const known = type.fields.map((field) => field.name);
  throw wrong(`{${name}} is no field of ${type.name}.${suggestion(name, known)}`);
}

function checkParameter(path: readonly string[], input: MessageType, wrong: Wrong): void {
  let type = input;
  for (const [i, name] of path.entries()) {
    const field = fieldOf(name, type, wrong);
    const shown = `{${path.join(".")}}`;
    if (field.repeated || field.mapKey !== undefined) throw wrong(`${shown} is a list or map, which no path can hold`);
    const last = i === path.length - 1;
    if (field.type.kind !== "message") {
      if (last) return;
      throw wrong(`${shown}: ${name} is no message`);
    }
    type = field.type.message();
    if (last && !isText(type)) throw wrong(`${shown} is a message; name one of its fields`);
  }
}

function bodyOf(
  verb: string,
  given: unknown,
  input: MessageType,
  inPath: readonly (readonly string[])[],
  wrong: Wrong,
): string | undefined {
  if (bodiless.has(verb)) {
    if (given === undefined) return undefined;
    throw wrong(`${verb} has no body; the fields that are not in the path are in the query`);
  }
  if (given === undefined || given === "*") return "*";
  if (typeof given !== "string") throw wrong('the body is "*" or the name of a field');
  fieldOf(given, input, wrong);
  if (inPath.some(([head]) => head === given)) throw wrong(`${given} is in the path and cannot be the body as well`);
  return given;
}

/** Fields that are neither in the path nor in the body must fit into a query. */
function checkQuery(
  input: MessageType,
  inPath: readonly (readonly string[])[],
  body: string | undefined,
  wrong: Wrong,
): void {
  const whole = new Set([body, ...inPath.filter(({ length }) => length === 1).map(([name]) => name)]);
  for (const field of input.fields) {
    if (whole.has(field.name)) continue;
    const why = notInQuery(field, [input]);
    if (why)
      throw wrong(`${field.name} would be in the query, but ${why}; use post, put or patch, where it is in the body`);
  }
}

function notInQuery({ name, mapKey, repeated, type }: Field, above: readonly MessageType[]): string | undefined {
  if (mapKey !== undefined) return `${name} is a map`;
  if (type.kind !== "message") return undefined;
  const message = type.message();
  if (isText(message)) return undefined;
  if (repeated) return `${name} is a list of messages`;
  if (above.includes(message)) return `${message.name} holds itself`;
  if (specialOf(message)) return `${message.name} is no single value`;
  return message.fields.map((field) => notInQuery(field, [...above, message])).find(Boolean);
}

const structured = new Set(["Value", "Struct", "ListValue", "Any"].map((name) => `google.protobuf.${name}`));

/** Whether JSON writes a message as one text or number: times, wrapped values, masks. */
export function isText(type: MessageType): boolean {
  return specialOf(type) !== undefined && !structured.has(type.name);
}
