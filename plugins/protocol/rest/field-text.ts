import type { Field, MessageType, Scalar } from "@mortise/kernel";
import { isText, type JsonValue } from "@mortise/kernel/contract";

/** The field at the end of a path, which the contract has made sure of. */
export function fieldAt(input: MessageType, path: readonly string[]): Field {
  let type = input;
  let found: Field | undefined;
  for (const name of path) {
    found = type.fields.find((field) => field.name === name);
    if (found?.type.kind === "message") type = found.type.message();
  }
  if (!found) throw new TypeError(`${path.join(".")} is no field of ${input.name}`);
  return found;
}

/** Whether one text holds a value of the field. */
export function isSingleText({ type, mapKey }: Field): boolean {
  return mapKey === undefined && (type.kind !== "message" || isText(type.message()));
}

/** A text of a path or query as JSON has it. What fits no value stays a text, and is refused as such. */
export function fromText({ type }: Field, text: string): JsonValue {
  if (type.kind === "enum") return /^-?\d{1,10}$/.test(text) ? Number(text) : text;
  const scalar = scalarOf(type);
  if (scalar === "bool") return text === "true" ? true : text === "false" ? false : text;
  return text;
}

/** What wrapped values hold, or the scalar itself. */
function scalarOf(type: Field["type"]): Scalar | undefined {
  if (type.kind === "scalar") return type.scalar;
  if (type.kind === "enum") return undefined;
  const message = type.message();
  const wrapped = /^google\.protobuf\.\w+Value$/.test(message.name) ? message.fields[0]?.type : undefined;
  return wrapped?.kind === "scalar" ? wrapped.scalar : undefined;
}

/** A value of JSON as text; a field that JSON leaves out has its default. */
export function toText({ type }: Field, value: JsonValue | undefined): string {
  if (value !== undefined && value !== null) return String(value);
  if (type.kind === "enum") return "0";
  if (type.kind === "message" || type.scalar === "string" || type.scalar === "bytes") return "";
  return type.scalar === "bool" ? "false" : "0";
}
