import type { Location } from "../core/config.ts";
import { type Inside, inside, type Spot, textAt, wrong } from "./expect.ts";
import { isNull, type Node, plain } from "./node.ts";

/** A file the configuration names: the module of a service or of a plugin. */
export interface FileReference {
  /** The name of the service, or the id of the plugin; nothing where only a path is written. */
  readonly name: string | undefined;
  /** Relative to the app file; nothing for a service that is where services are by convention. */
  readonly path: string | undefined;
  readonly at: Location;
}

export const patterns = {
  name: /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
  pluginId: /^[a-z][a-z0-9-]*\/[a-z0-9][a-z0-9-]*$/,
} as const;

/** How one kind of references is written. */
interface ReferenceForm {
  readonly list: string;
  readonly name: RegExp;
  readonly nameForm: string;
  /** What an item of a list means: a name, or a path. */
  readonly item: "name" | "path";
  /** What to write where a name stands without a path. */
  readonly path: (name: string) => string;
}

/** How services are written. */
export const serviceForm: ReferenceForm = {
  list: "a list of services, for example `[user, order]`, or paths by service",
  name: patterns.name,
  nameForm: "the name of a service in kebab-case",
  item: "name",
  path: (name) => `Write ${byConvention(name)}, or use a list: [${name}]`,
};

/** How files of plugins are written. */
export const pluginForm: ReferenceForm = {
  list: "a list of plugin files, for example `[./plugins/mine.ts]`, or paths by plugin id",
  name: patterns.pluginId,
  nameForm: "a plugin id, for example loadbalancer/mine",
  item: "path",
  path: () => "Write the path of its module",
};

/**
 * Reads services or files of plugins. A name without a path is a problem of the app file itself, which nothing is laid
 * under; in what is laid over it, it takes away.
 */
export function references(spot: Spot | undefined, form: ReferenceForm, appFile: string): FileReference[] {
  if (!spot) return [];
  if (spot.node.kind === "scalar") return wrong(spot, form.list) ?? [];
  reportEmpty(spot, form, appFile);
  const named = spot.node.kind === "list" && form.item === "name";
  return inside(spot).flatMap((child) => (named ? byName(child, form, spot.node) : byPath(child, form, spot.node)));
}

function byName(child: Inside, form: ReferenceForm, list: Node): FileReference[] {
  const where = child.node.kind === "map" ? `; to say where one is, make services a map: ${asMap(list)}` : "";
  const name = textAt(child, form.nameForm, where);
  return name !== undefined && named(name, child, form) ? [{ name, path: undefined, at: child.node.at }] : [];
}

function byPath(child: Inside, form: ReferenceForm, { kind }: Node): FileReference[] {
  const path = textAt(child, "the path of a module");
  const name = kind === "list" ? undefined : String(child.key);
  if (path === undefined || (name !== undefined && !named(name, child, form))) return [];
  return [{ name, path, at: child.node.at }];
}

function named(name: string, { keyAt, path, report }: Inside, { name: pattern, nameForm }: ReferenceForm): boolean {
  if (pattern.test(name)) return true;
  report("CONFIG_WRONG_TYPE", `"${name}" is not ${nameForm}`, keyAt, path);
  return false;
}

function reportEmpty({ node, path, report }: Spot, form: ReferenceForm, appFile: string): void {
  if (node.kind !== "map") return;
  for (const [name, { key, value }] of node.entries) {
    if (!isNull(value) || key.file !== appFile) continue;
    const what = [...path, name];
    report("CONFIG_WRONG_TYPE", `${what.join(".")} says nothing. ${form.path(name)}`, key, what);
  }
}

/** The map that says what a list with maps in it means. */
function asMap(list: Node): string {
  const items = list.kind === "list" ? list.items : [];
  const pairs = items.flatMap((item): [string, string][] => {
    if (item.kind === "scalar") return [[String(item.value), byConvention(String(item.value))]];
    return item.kind === "map" ? Object.entries(plain(item) as object) : [];
  });
  return `{ ${pairs.map(([name, path]) => `${name}: ${path}`).join(", ")} }`;
}

function byConvention(name: string): string {
  return `./${name}/${name}.ts`;
}
