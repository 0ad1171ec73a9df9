import type { ConfigPath, Location } from "../core/config.ts";

/** A value somebody wrote, and where. */
export type Node = MapNode | ListNode | ScalarNode;

export interface MapNode {
  readonly kind: "map";
  readonly at: Location;
  readonly entries: ReadonlyMap<string, Entry>;
}

export interface Entry {
  /** Where the key was written. */
  readonly key: Location;
  readonly value: Node;
}

export interface ListNode {
  readonly kind: "list";
  readonly at: Location;
  readonly items: readonly Node[];
}

export interface ScalarNode {
  readonly kind: "scalar";
  readonly at: Location;
  readonly value: string | number | boolean | null;
  /** In quotes or as a block: text, whatever it looks like. */
  readonly quoted: boolean;
  /** Names of the environment variables whose values are in it. */
  readonly variables: readonly string[];
}

/** The values without their places. An entry whose value is `null` counts as not written. */
export function plain(node: Node): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(plain);
  const kept = [...node.entries].filter(([, { value }]) => !isNull(value));
  return Object.fromEntries(kept.map(([key, { value }]) => [key, plain(value)]));
}

export function isNull(node: Node): boolean {
  return node.kind === "scalar" && node.value === null;
}

/**
 * Where a path was written: the place of the value if it is a scalar or an item of a list, else that of its key. Of a
 * path that was not written, the place of the nearest thing around it.
 */
export function locateIn(root: Node, path: ConfigPath): Location {
  let at = root.at;
  let node = root;
  for (const step of path) {
    const found = child(node, step);
    if (!found) break;
    at = found.value.kind === "scalar" ? found.value.at : found.key;
    node = found.value;
  }
  return at;
}

/** What is at a path inside a node; nothing where nothing is. */
export function nodeIn(node: Node, path: readonly PropertyKey[]): Node | undefined {
  return path.reduce<Node | undefined>((at, step) => at && child(at, String(step))?.value, node);
}

function child(node: Node, step: string | number): Entry | undefined {
  if (node.kind === "map") return node.entries.get(String(step));
  if (node.kind !== "list") return undefined;
  const value = node.items[Number(step)];
  return value && { key: value.at, value };
}

/** What a node is, for messages: `the number 3`, `a list`. */
export function describe(node: Node): string {
  if (node.kind !== "scalar") return node.kind === "list" ? "a list" : "a map";
  if (node.value === null) return "nothing";
  return typeof node.value === "string" ? `the text "${node.value}"` : `the ${typeof node.value} ${node.value}`;
}
