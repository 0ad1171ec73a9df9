import { createHash } from "node:crypto";
import type { MessageType } from "../types.ts";
import type { FastPath } from "./generate.ts";
import { layoutOf, reachable } from "./layout.ts";
import { runtime, runtimeVersion } from "./runtime.ts";

/** A codec written ahead of time, and the fingerprint of the message it was written for. */
export interface AheadCodec extends FastPath {
  readonly fingerprint: string;
}

const registered = new Map<string, AheadCodec>();

/** Called by the modules that `mortise proto --aot` writes, with a function from the codec runtime to codecs by message name. */
export function registerCodecs(make: (names: typeof runtime) => Readonly<Record<string, AheadCodec>>): void {
  for (const [name, codec] of Object.entries(make(runtime))) registered.set(name, codec);
}

/** The registered codec of a message, unless it was written for another form of it. */
export function aheadOfTime(type: MessageType): FastPath | undefined {
  const found = registered.get(type.name);
  return found?.fingerprint === fingerprint(type) ? found : undefined;
}

/** Changes whenever the bytes or the shape of a message, or of one it refers to, change. */
export function fingerprint(type: MessageType): string {
  const types = reachable([type]).map((each) => [each.name, ...layoutOf(each).fields.map(fieldFacts)]);
  return createHash("sha256")
    .update(JSON.stringify([runtimeVersion, types]))
    .digest("hex")
    .slice(0, 16);
}

function fieldFacts({
  kind,
  name,
  number,
  scalar,
  message,
  key,
  field,
}: ReturnType<typeof layoutOf>["fields"][number]) {
  return [kind, name, number, scalar ?? message?.name, key, field.presence, field.oneof];
}
