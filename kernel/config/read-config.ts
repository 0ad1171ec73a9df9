import type { ConfigPath, Location, Problem } from "../core/config.ts";
import { type AppFile, readAppFile } from "./app-file.ts";
import { assign } from "./assignment.ts";
import { centralTree } from "./central-tree.ts";
import { type Environment, fill } from "./fill.ts";
import { locateIn, type Node } from "./node.ts";
import { overlay } from "./overlay.ts";
import { byPlace, reportInto } from "./problem.ts";
import { type SourceFile, yamlTree } from "./yaml-tree.ts";

/** Everything a configuration is made of, as text. */
export interface ConfigInput {
  /** The app file, then what is laid over it, in order. */
  readonly sources: readonly [SourceFile, ...SourceFile[]];
  /** Central rules, laid over the files: policies only. */
  readonly central?: SourceFile;
  /** `path=value`, laid over all that in order. */
  readonly set?: readonly string[];
  readonly env?: Environment;
}

/** A configuration as read. If there are problems, `file` holds only what could be understood. */
export interface ReadConfig {
  readonly file: AppFile;
  readonly problems: readonly Problem[];
  /** The merged values with their places. */
  readonly root: Node;
  readonly locate: (path: ConfigPath) => Location;
}

/** Reads, merges, fills in variables and checks the shape; all problems at once, in order of place. Pure. */
export function readConfig({ sources, central, set = [], env = {} }: ConfigInput): ReadConfig {
  const problems: Problem[] = [];
  const report = reportInto(problems);
  const trees = sources.map((source) => yamlTree(source, report));
  const readable = trees.every((tree) => tree !== undefined);
  const merged = trees.reduce<Node>((base, tree) => (tree ? overlay(base, tree) : base), empty(sources[0].file));
  const rules = central && centralTree(central, report);
  const ruled = rules ? overlay(merged, rules) : merged;
  const assigned = set.reduce((base, assignment) => assign(base, assignment, report), ruled);
  const root = fill(assigned, env, report);
  const file = readAppFile(root, readable ? report : () => undefined);
  return { file, problems: byPlace(problems), root, locate: (path) => locateIn(root, path) };
}

function empty(file: string): Node {
  const at = { file, line: 1, column: 1 };
  return { kind: "scalar", at, value: null, quoted: false, variables: [] };
}
