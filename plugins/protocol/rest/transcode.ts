import type { Codec, MessageType, StatusError } from "@mortise/kernel";
import { type JsonObject, type JsonValue, jsonOf, type RestRule } from "@mortise/kernel/contract";
import { fieldAt, fromText, toText } from "./field-text.ts";
import { HttpError } from "./problem.ts";
import { readQuery, writeQuery } from "./query.ts";
import type { Parameter } from "./router.ts";

/** A message as HTTP carries it: in path, query and body. */
export interface HttpParts {
  readonly path: string;
  readonly body: Uint8Array | undefined;
}

/** What of a request came in where. */
export interface ReceivedParts {
  readonly parameters: readonly Parameter[];
  readonly query: string;
  readonly body: Uint8Array;
}

interface Transcoded {
  readonly rule: RestRule;
  readonly input: MessageType;
  readonly codec: Codec<unknown>;
}

/** The request of a call. Throws a StatusError INVALID_ARGUMENT that names what is wrong and where it stands. */
export function readRequest({ rule, input, codec }: Transcoded, { parameters, query, body }: ReceivedParts): unknown {
  if (rule.body === undefined && body.length > 0)
    throw badRequest(`${rule.verb} has no body; what is not in the path is in the query`);
  if (rule.body === "*" && parameters.length === 0) {
    if (query !== "") throw badRequest("the request is in the body alone; there is no query");
    return body.length > 0 ? codec.decode(body) : jsonOf(input).fromJson({});
  }
  const json = bodyOf(rule, body);
  for (const { field, text } of parameters) put(json, field, fromText(fieldAt(input, field), text));
  const taken = [...parameters.map(({ field }) => field), ...(rule.body && rule.body !== "*" ? [[rule.body]] : [])];
  if (rule.body === "*" && query !== "") throw badRequest("what is not in the path is in the body; there is no query");
  if (query !== "") readQuery(input, query, taken, json);
  return jsonOf(input).fromJson(json);
}

type Draft = Record<string, JsonValue>;

function bodyOf({ body: rule }: RestRule, bytes: Uint8Array): Draft {
  if (rule === undefined || bytes.length === 0) return {};
  const parsed = parseJson(bytes);
  if (rule !== "*") return { [rule]: parsed };
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw badRequest("the body is no object");
  return { ...(parsed as JsonObject) };
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function parseJson(bytes: Uint8Array): JsonValue {
  try {
    return JSON.parse(utf8.decode(bytes)) as JsonValue;
  } catch (cause) {
    const why = cause instanceof SyntaxError ? cause.message : "the bytes are no UTF-8";
    throw badRequest(`the body is not JSON: ${why}`);
  }
}

/** Sets a field by its path. A body that says the same, or something else, about it is refused. */
function put(json: Draft, path: readonly string[], value: JsonValue): void {
  const [head = "", ...rest] = path;
  const known = Object.hasOwn(json, head) ? json[head] : undefined;
  if (rest.length === 0) {
    if (known !== undefined) throw badRequest(`${head} is in the path and cannot be in the body too`);
    json[head] = value;
    return;
  }
  if (known !== undefined && (typeof known !== "object" || known === null || Array.isArray(known)))
    throw badRequest(`${head} is an object`);
  const inner: Draft = { ...(known as JsonObject | undefined) };
  put(inner, rest, value);
  json[head] = inner;
}

/** The request as it is sent. Throws a StatusError INVALID_ARGUMENT for one that does not fit, or not into a path. */
export function writeRequest({ rule, input, codec }: Transcoded, request: unknown): HttpParts {
  const bound = rule.segments.some((segment) => "field" in segment);
  if (rule.body === "*" && !bound) return { path: rule.path, body: codec.encode(request) };
  const json = jsonOf(input).toJson(request) as JsonObject;
  const left: Draft = structuredClone(json) as Draft;
  const segments = rule.segments.map((segment) => {
    if ("text" in segment) return segment.text;
    const text = toText(fieldAt(input, segment.field), take(left, segment.field));
    if (text === "" || text === "." || text === "..")
      throw badRequest(`${segment.field.join(".")} is "${text}", which cannot stand in a path`);
    return encodeURIComponent(text);
  });
  const path = `/${segments.join("/")}${rule.action === undefined ? "" : `:${rule.action}`}`;
  if (rule.body === "*") return { path, body: Buffer.from(JSON.stringify(left)) };
  const body = rule.body === undefined ? undefined : Buffer.from(JSON.stringify(take(left, [rule.body]) ?? null));
  const query = writeQuery(left);
  return { path: query === "" ? path : `${path}?${query}`, body };
}

/** Removes a field by its path; gives what it was. */
function take(json: Draft, [head = "", ...rest]: readonly string[]): JsonValue | undefined {
  const value = json[head];
  if (rest.length > 0) return typeof value === "object" && value !== null ? take(value as Draft, rest) : undefined;
  delete json[head];
  return value;
}

export function badRequest(message: string): StatusError {
  return new HttpError(400, "INVALID_ARGUMENT", "MALFORMED_REQUEST", message);
}
