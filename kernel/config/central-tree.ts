import type { ConfigPath } from "../core/config.ts";
import { nearest } from "../core/nearest.ts";
import { describe, isNull, type Node } from "./node.ts";
import type { Report } from "./problem.ts";
import { type SourceFile, yamlTree } from "./yaml-tree.ts";

/** What can be ruled centrally. */
const ruled = ["policies", "transactions"];

/**
 * Reads central rules: YAML that holds `policies` and `transactions` and nothing else, for one text rules processes that differ
 * in all the rest, and no variables, for those differ too. Nothing comes back for empty rules and for those that cannot be read.
 */
export function centralTree(source: SourceFile, report: Report): Node | undefined {
  const root = yamlTree(source, report);
  if (!root || isNull(root)) return undefined;
  if (root.kind !== "map") {
    report("CONFIG_CENTRAL", `central rules are a map with policies and transactions, not ${describe(root)}`, root.at);
    return undefined;
  }
  for (const [name, { key }] of root.entries) {
    if (ruled.includes(name) || name.startsWith("x-")) continue;
    const near = nearest(name, ruled);
    const hint = near === undefined ? "everything else belongs in the app file" : `did you mean ${near}?`;
    const message = `"${name}" cannot be set centrally; central rules hold policies and transactions, ${hint}`;
    report("CONFIG_CENTRAL", message, key, [name]);
  }
  refuseVariables(root, [], report);
  return { ...root, entries: new Map([...root.entries].filter(([name]) => ruled.includes(name))) };
}

function refuseVariables(node: Node, path: ConfigPath, report: Report): void {
  if (node.kind === "list")
    for (const [index, item] of node.items.entries()) refuseVariables(item, [...path, index], report);
  if (node.kind === "map")
    for (const [name, { value }] of node.entries) refuseVariables(value, [...path, name], report);
  if (node.kind === "scalar" && typeof node.value === "string" && node.value.includes("${"))
    report("CONFIG_CENTRAL", "central rules take no variables; every process has others", node.at, path);
}
