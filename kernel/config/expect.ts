import type { ConfigPath, Location } from "../core/config.ts";
import { describe, isNull, type MapNode, type Node } from "./node.ts";
import type { Report } from "./problem.ts";

/** A node under its path, with where to report what is wrong with it. */
export interface Spot {
  readonly node: Node;
  readonly path: ConfigPath;
  readonly report: Report;
}

/** Reports that something else was expected. Gives nothing, so that it can end a reader. */
export function wrong({ node, path, report }: Spot, expected: string, fix = ""): undefined {
  report("CONFIG_WRONG_TYPE", `${path.join(".")} takes ${expected}, not ${describe(node)}${fix}`, node.at, path);
}

/** The text there; anything else is reported, with how to say what was meant. */
export function textAt(spot: Spot, expected: string, fix = ""): string | undefined {
  const { node } = spot;
  return node.kind === "scalar" && typeof node.value === "string" && node.value !== ""
    ? node.value
    : wrong(spot, expected, fix);
}

/** The map there; anything else is reported. */
export function mapAt(spot: Spot, expected: string): MapNode | undefined {
  return spot.node.kind === "map" ? spot.node : wrong(spot, expected);
}

/** The value of a key of a map, unless it is not written or `null`. */
export function under(map: MapNode, key: string, report: Report): Spot | undefined {
  const node = map.entries.get(key)?.value;
  return node && !isNull(node) ? { node, path: [key], report } : undefined;
}

/** Something inside a list or a map. */
export interface Inside extends Spot {
  readonly key: string | number;
  /** Where the key was written; of an item, where that was. */
  readonly keyAt: Location;
}

/** What is inside a list or a map, by index or key, without what is `null`. */
export function inside({ node, path, report }: Spot): Inside[] {
  if (node.kind === "list") {
    return node.items.map((item, key) => ({ key, keyAt: item.at, node: item, path: [...path, key], report }));
  }
  const entries = node.kind === "map" ? [...node.entries].filter(([, { value }]) => !isNull(value)) : [];
  return entries.map(([key, { key: keyAt, value }]) => ({ key, keyAt, node: value, path: [...path, key], report }));
}
