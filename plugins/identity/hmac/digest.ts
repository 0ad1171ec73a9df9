import { createHash } from "node:crypto";
import type { MessageType, Method } from "@mortise/kernel";
import { codecOf, isOpaque } from "@mortise/kernel/contract";

type Fields = Readonly<Record<string, unknown>>;

/** Stands for the body of a call whose client streams: its messages are not known when it is signed. */
const streamed = "stream";

/**
 * The digest of a request: SHA-256 of its protobuf encoding with maps in the order of their keys, whatever protocol and
 * serializer carry it. Throws what the codec throws for a value that is none of the message.
 */
export function bodyDigest({ kind, input }: Method, request: unknown): string {
  if (kind === "client-stream" || kind === "bidi-stream") return streamed;
  const value = hasMaps(input) ? ordered(input, request) : request;
  return createHash("sha256").update(codecOf(input).encode(value)).digest("base64url");
}

const known = new WeakMap<MessageType, boolean>();

function hasMaps(type: MessageType): boolean {
  const before = known.get(type);
  if (before !== undefined) return before;
  const found = reachesMap(type, new Set());
  known.set(type, found);
  return found;
}

function reachesMap(type: MessageType, visited: Set<MessageType>): boolean {
  if (isOpaque(type) || visited.has(type)) return false;
  visited.add(type);
  return type.fields.some(
    ({ mapKey, type: value }) =>
      mapKey !== undefined || (value.kind === "message" && reachesMap(value.message(), visited)),
  );
}

/** A copy whose maps are sorted by key. */
function ordered(type: MessageType, value: unknown): unknown {
  if (typeof value !== "object" || value === null || isOpaque(type)) return value;
  const copy: Record<string, unknown> = { ...(value as Fields) };
  for (const field of type.fields) {
    const { name, oneof, type: item } = field;
    const inner = (one: unknown) => (item.kind === "message" ? ordered(item.message(), one) : one);
    if (oneof !== undefined) {
      const chosen = copy[oneof] as { readonly $case: string; readonly value: unknown } | undefined;
      if (chosen?.$case === name) copy[oneof] = { $case: name, value: inner(chosen.value) };
    } else copy[name] = orderedField(copy[name], inner);
  }
  return copy;
}

function orderedField(value: unknown, inner: (one: unknown) => unknown): unknown {
  if (value instanceof Map) {
    const entries = [...value].map(([key, one]) => [key, inner(one)] as const);
    return new Map(entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  }
  return Array.isArray(value) ? value.map(inner) : inner(value);
}
