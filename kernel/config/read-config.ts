import type { ConfigPath, Location, Problem } from "../core/config.ts";
import type { TransactionTable } from "../runtime/transaction-policy.ts";
import { type AppFile, readAppFile } from "./app-file.ts";
import { assign } from "./assignment.ts";
import { centralTree } from "./central-tree.ts";
import { under } from "./expect.ts";
import { type Environment, fill } from "./fill.ts";
import { isNull, locateIn, type Node } from "./node.ts";
import { overlay } from "./overlay.ts";
import { byPlace, type Report, reportInto } from "./problem.ts";
import { type FileReference, references, serviceForm } from "./references.ts";
import { type SourceFile, yamlTree } from "./yaml-tree.ts";

/** Everything a configuration is made of, as text. */
export interface ConfigInput {
  /** The app file, then what is laid over it, in order. */
  readonly sources: readonly [SourceFile, ...SourceFile[]];
  /** Central rules, laid over the files: policies and transactions. */
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
  /** Services any of its files lists: of those that do not run in this process it says by that that others run them. */
  readonly services: readonly FileReference[];
  /** What holds for transactions when there are no central rules. */
  readonly lasting: TransactionTable;
  /** Where something that is laid over the app file takes away what is at this path, or what that is in. */
  readonly takenAway: (path: ConfigPath) => Location | undefined;
}

/** Reads, merges, fills in variables and checks the shape; all problems at once, in order of place. Pure. */
export function readConfig({ sources, central, set = [], env = {} }: ConfigInput): ReadConfig {
  const problems: Problem[] = [];
  const report = reportInto(problems);
  const trees = sources.map((source) => yamlTree(source, report));
  const readable = trees.every((tree) => tree !== undefined);
  const merged = trees.reduce<Node>((base, tree) => (tree ? overlay(base, tree) : base), empty(sources[0].file));
  const rules = central && centralTree(central, report);
  const finished = (base: Node, told: Report) =>
    fill(
      set.reduce((onto, assignment) => assign(onto, assignment, told), base),
      env,
      told,
    );
  const root = finished(rules ? overlay(merged, rules) : merged, report);
  const file = readAppFile(root, readable ? report : silent);
  const lasting = rules ? readAppFile(finished(merged, silent), silent).transactions : file.transactions;
  const over = [...trees.slice(1), rules].flatMap((tree) => tree ?? []).reverse();
  return {
    file,
    problems: byPlace(problems),
    root,
    locate: (path) => locateIn(root, path),
    services: trees.flatMap((tree) => (tree ? servicesIn(tree) : [])),
    lasting,
    takenAway: (path) => over.flatMap((tree) => nullAt(tree, path) ?? []).at(0),
  };
}

const silent: Report = () => undefined;

function servicesIn(tree: Node): FileReference[] {
  return tree.kind === "map" ? references(under(tree, "services", silent), serviceForm, tree.at.file) : [];
}

/** Where on the way along a path a `null` stands. */
function nullAt(node: Node, path: ConfigPath): Location | undefined {
  if (isNull(node)) return node.at;
  const [step, ...rest] = path;
  const inner = node.kind === "map" && step !== undefined ? node.entries.get(String(step)) : undefined;
  return inner && nullAt(inner.value, rest);
}

function empty(file: string): Node {
  const at = { file, line: 1, column: 1 };
  return { kind: "scalar", at, value: null, quoted: false, variables: [] };
}
