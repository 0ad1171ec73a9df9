import { type Entry, isNull, type Node } from "./node.ts";

/** Lays one configuration over another: maps are merged, lists and scalars replaced, `null` takes a key away. */
export function overlay(base: Node, over: Node): Node {
  if (base.kind !== "map" || over.kind !== "map") return over;
  const entries = new Map<string, Entry>(base.entries);
  for (const [name, entry] of over.entries) {
    const below = entries.get(name);
    if (isNull(entry.value)) entries.delete(name);
    else if (below?.value.kind === "map" && entry.value.kind === "map")
      entries.set(name, { key: entry.key, value: overlay(below.value, entry.value) });
    else entries.set(name, entry);
  }
  return { ...base, entries };
}
