import { type Call, type CallSite, type Field, type MessageType, policyFields } from "@mortise/kernel";
import { isOpaque } from "@mortise/kernel/contract";
import { z } from "zod";
import { finish, hashStart, hashValue } from "./hash.ts";

export const hashPolicy = policyFields({
  hashOn: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe("Fields of the request whose values choose the instance, by path; default: the first one."),
});

/** The 32-bit hash of what belongs together in a call; nothing where calls have nothing of the kind. */
export type HashKey = (call: Call) => number;

/** Compiles the key of a method. Throws a TypeError for a path that names no single value of the request. */
export function hashKeyOf(site: CallSite): HashKey | undefined {
  const { input, kind } = site.method;
  if (kind === "client-stream" || kind === "bidi-stream") return undefined;
  const { hashOn = firstField(input) } = hashPolicy.of(site);
  if (hashOn.length === 0) return undefined;
  const paths = hashOn.map((path) => checked(input, path.split("."), path));
  return ({ request }) => {
    let hash = hashStart;
    for (const path of paths) hash = hashValue(hash, valueAt(request, path));
    return finish(hash);
  };
}

function firstField({ fields }: MessageType): readonly string[] {
  const first = fields.find((field) => field.type.kind !== "message" && isSingle(field));
  return first ? [first.name] : [];
}

function isSingle({ repeated, mapKey, oneof }: Field): boolean {
  return !repeated && mapKey === undefined && oneof === undefined;
}

function checked(type: MessageType, names: readonly string[], path: string): readonly string[] {
  let at = type;
  for (const [i, name] of names.entries()) {
    if (isOpaque(at)) return names;
    const field = at.fields.find((one) => one.name === name);
    if (!field)
      throw wrong(path, `${at.name} has no field "${name}"; it has ${at.fields.map((one) => one.name).join(", ")}`);
    const last = i === names.length - 1;
    if (!isSingle(field) || last === (field.type.kind === "message"))
      throw wrong(path, `"${name}" is not a single value`);
    if (field.type.kind === "message") at = field.type.message();
  }
  return names;
}

function wrong(path: string, why: string): TypeError {
  return new TypeError(`policy field hashOn, "${path}": ${why}`);
}

function valueAt(request: unknown, path: readonly string[]): unknown {
  let value = request;
  for (const name of path) value = (value as Readonly<Record<string, unknown>> | undefined)?.[name];
  return value;
}
