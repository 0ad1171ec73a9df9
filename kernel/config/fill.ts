import type { ConfigPath, Location } from "../core/config.ts";
import type { Node, ScalarNode } from "./node.ts";
import type { Report } from "./problem.ts";
import { fillVariables, scalarOf } from "./variables.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Puts the values of environment variables into every scalar. What was not quoted may become a number or a boolean. */
export function fill(node: Node, env: Environment, report: Report, path: ConfigPath = []): Node {
  if (node.kind === "scalar") return fillScalar(node, env, report, path);
  const inner = (value: Node, step: string | number) => fill(value, env, report, [...path, step]);
  if (node.kind === "list") return { ...node, items: node.items.map(inner) };
  const entries = [...node.entries].map(
    ([name, { key, value }]) => [name, { key, value: inner(value, name) }] as const,
  );
  return { ...node, entries: new Map(entries) };
}

function fillScalar(node: ScalarNode, env: Environment, report: Report, path: ConfigPath): ScalarNode {
  if (typeof node.value !== "string" || !node.value.includes("${")) return node;
  const { text, variables, faults } = fillVariables(node.value, env);
  for (const { index, message } of faults) report("CONFIG_VARIABLE", message, placeOf(node, node.value, index), path);
  return { ...node, value: node.quoted ? text : scalarOf(text), variables };
}

/** Where in the file a part of a scalar stands; of a text over several lines, where that begins. */
function placeOf({ at, quoted }: ScalarNode, text: string, index: number): Location {
  return text.includes("\n") ? at : { ...at, column: at.column + index + (quoted ? 1 : 0) };
}
