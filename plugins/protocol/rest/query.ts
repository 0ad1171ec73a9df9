import { type Field, type MessageType, suggestion } from "@mortise/kernel";
import type { JsonObject, JsonValue } from "@mortise/kernel/contract";
import { fromText, isSingleText } from "./field-text.ts";
import { HttpError } from "./problem.ts";

type Draft = Record<string, JsonValue>;

/**
 * Puts the fields of a query into `json`: `limit=5&tag=a&tag=b&owner.id=7`. Throws a StatusError INVALID_ARGUMENT that
 * names what is not known, given twice, or elsewhere in the request (`taken`).
 */
export function readQuery(
  input: MessageType,
  query: string,
  taken: readonly (readonly string[])[],
  json: Record<string, JsonValue>,
): void {
  for (const part of query.split("&")) {
    if (part === "") continue;
    const at = part.indexOf("=");
    const name = decoded(at < 0 ? part : part.slice(0, at));
    const text = at < 0 ? "" : decoded(part.slice(at + 1));
    if (taken.some((path) => name === path.join(".")))
      throw wrong(`${name} is in the path or the body and cannot be in the query`);
    put(json, name.split("."), name, text, input);
  }
}

function put(
  json: Draft,
  [head = "", ...rest]: readonly string[],
  name: string,
  text: string,
  type: MessageType,
): void {
  const field = type.fields.find((one) => one.name === head);
  if (!field) throw unknown(head, name, type);
  if (rest.length > 0) return putInside(json, field, rest, name, text);
  if (!isSingleText(field)) throw wrong(`${name} is an object; name its fields, or send it in a body`);
  const value = fromText(field, text);
  const known = Object.hasOwn(json, head) ? json[head] : undefined;
  if (field.repeated) json[head] = [...((known as readonly JsonValue[] | undefined) ?? []), value];
  else if (known !== undefined) throw wrong(`${name} is given twice`);
  else json[head] = value;
}

function putInside(json: Draft, field: Field, rest: readonly string[], name: string, text: string): void {
  if (field.type.kind !== "message" || field.repeated || field.mapKey !== undefined || isSingleText(field))
    throw wrong(`${name}: ${field.name} has no fields`);
  const inner: Draft = { ...(json[field.name] as JsonObject | undefined) };
  put(inner, rest, name, text, field.type.message());
  json[field.name] = inner;
}

function unknown(head: string, name: string, type: MessageType): HttpError {
  const known = type.fields.map((field) => field.name);
  return wrong(`"${name}" in the query: ${type.name} has no field ${head}.${suggestion(head, known)}`);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw wrong(`the query is not written well at "${text}"`);
  }
}

function wrong(message: string): HttpError {
  return new HttpError(400, "INVALID_ARGUMENT", "MALFORMED_REQUEST", message);
}

/** The fields of JSON as a query. */
export function writeQuery(json: JsonObject, prefix = ""): string {
  const parts = Object.entries(json).flatMap(([name, value]): string[] => {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      const inner = writeQuery(value as JsonObject, `${prefix}${name}.`);
      return inner === "" ? [] : [inner];
    }
    const values = Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
    return values.map((one) => `${encodeURIComponent(prefix + name)}=${encodeURIComponent(String(one))}`);
  });
  return parts.join("&");
}
