import type { Location } from "../core/config.ts";
import type { Node } from "./node.ts";
import { overlay } from "./overlay.ts";
import type { Report } from "./problem.ts";
import { yamlTree } from "./yaml-tree.ts";

const segment = /"([^"]+)"|(?<=^policies\.)((?:[a-z][a-z0-9_]*\.)+[A-Z]\w*(?:\/\w+)?)|([^."=\s]+)/y;

/**
 * Lays `path=value` over a configuration, the value read as YAML (`use.filter=[tracing, default]`), `null` taking the key
 * away. Dots separate keys; a key with dots stands in double quotes, except the names of services in `policies`.
 */
export function assign(base: Node, assignment: string, report: Report): Node {
  const { path, text } = readAssignment(assignment);
  const named = text === undefined ? assignment : assignment.slice(0, -text.length - 1); // a value may be a secret
  const at: Location = { file: `--set ${named}`, line: 0, column: 0 };
  if (text === undefined) {
    report("CONFIG_SET", "write --set path=value, for example --set use.loadbalancer=random", at);
    return base;
  }
  const value =
    text === "" ? emptyText(at) : yamlTree({ file: at.file, text }, (code, message) => report(code, message, at));
  if (!value) return base;
  const list = listOnTheWay(base, path);
  if (list) {
    report("CONFIG_SET", `${list} is a list; set it as a whole, for example --set "${list}=[a, b]"`, at);
    return base;
  }
  return overlay(
    base,
    path.reduceRight((inner, name) => mapOf(name, inner, at), written(value, at)),
  );
}

function readAssignment(assignment: string): { path: readonly string[]; text?: string } {
  const path: string[] = [];
  for (let end = 0; ; end += 1) {
    segment.lastIndex = end;
    const found = segment.exec(assignment);
    if (!found) return { path };
    path.push(found[1] ?? found[2] ?? found[3] ?? "");
    end = segment.lastIndex;
    if (assignment[end] === "=") return { path, text: assignment.slice(end + 1) };
    if (assignment[end] !== ".") return { path };
  }
}

/** The items of a list have no names to address them by. */
function listOnTheWay(base: Node, path: readonly string[]): string | undefined {
  let node: Node | undefined = base;
  for (const [depth, name] of path.entries()) {
    if (node?.kind === "list") return path.slice(0, depth).join(".");
    node = node?.kind === "map" ? node.entries.get(name)?.value : undefined;
  }
  return undefined;
}

function mapOf(name: string, value: Node, at: Location): Node {
  return { kind: "map", at, entries: new Map([[name, { key: at, value }]]) };
}

function emptyText(at: Location): Node {
  return { kind: "scalar", at, value: "", quoted: true, variables: [] };
}

/** The same value, written somewhere else. */
function written(node: Node, at: Location): Node {
  if (node.kind === "scalar") return { ...node, at };
  if (node.kind === "list") return { ...node, at, items: node.items.map((item) => written(item, at)) };
  const entries = [...node.entries].map(([name, { value }]) => [name, { key: at, value: written(value, at) }] as const);
  return { ...node, at, entries: new Map(entries) };
}
