import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { CatalogueEntry } from "./catalogue.ts";
import type { Problem } from "./config.ts";
import { type FoundPlugins, moduleEntry } from "./sources.ts";

/** Packages of our own, looked at whether or not the app depends on them; their plugins count as built in. */
export interface Companions {
  readonly names: readonly string[];
  /** Where they are looked for if they are not where the app's packages are. */
  readonly dir: string;
}

/**
 * Plugins in the packages an app depends on, read from their manifests; no code runs. `dir` is the app's folder: the nearest
 * package.json at or above it names the dependencies, and each one that carries
 * `"mortise": { "plugins": { "registry/consul": "./consul.js" } }` contributes; what stands there is a file of the package, or a
 * sub-path it exports. A missing package is left to whoever needs it.
 */
export async function packagePlugins(dir: string, companions?: Companions): Promise<FoundPlugins> {
  const app = await nearestManifest(dir);
  const fields = ["dependencies", "optionalDependencies", "devDependencies", "peerDependencies"];
  const own = companions?.names ?? [];
  const names = new Set([...fields.flatMap((field) => Object.keys(record(app?.manifest[field]))), ...own]);
  const found = await Promise.all([...names].sort().map((name) => contributions(name, app?.dir ?? dir, companions)));
  return { catalogue: found.flatMap((one) => one.catalogue), problems: found.flatMap((one) => one.problems) };
}

interface Manifest {
  readonly dir: string;
  readonly manifest: Readonly<Record<string, unknown>>;
}

async function contributions(name: string, appDir: string, companions?: Companions): Promise<FoundPlugins> {
  const own = companions?.names.includes(name) ? companions : undefined;
  const found = (await findPackage(name, appDir)) ?? (own && (await findPackage(name, own.dir)));
  const declared = record(found?.manifest.mortise).plugins;
  if (!found || declared === undefined) return { catalogue: [], problems: [] };
  const source = own ? "built-in" : "package";
  const catalogue: CatalogueEntry[] = [];
  const problems: Problem[] = [];
  const complain = (what: string) => {
    const message = `${what} Expected "mortise": { "plugins": { "<spi>/<name>": "./file.js" } }.`;
    const location = { file: join(found.dir, "package.json"), line: 0, column: 0 };
    problems.push({ code: "CONTRIBUTION_INVALID", message, path: ["packages", name], location });
  };
  if (!isRecord(declared)) complain("`mortise.plugins` is not an object.");
  for (const [id, file] of Object.entries(record(declared))) {
    if (!/^[^/]+\/[^/]+$/.test(id)) complain(`"${id}" is not an id of the form <spi>/<name>.`);
    else if (typeof file !== "string" || !isInside(found.dir, file))
      complain(`the file of ${id} is not inside the package.`);
    else catalogue.push(moduleEntry(id, source, name, () => importFrom(found.dir, name, file)));
  }
  return { catalogue, problems };
}

/** A sub-path is resolved from within the package, as its `exports` and the conditions of this process say. */
async function importFrom(dir: string, name: string, file: string): Promise<unknown> {
  const path = resolve(dir, file);
  const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
  const subPath = `${name}/${file.replace(/^\.\//, "")}`;
  const module = isFile ? path : createRequire(join(dir, "package.json")).resolve(subPath);
  return import(pathToFileURL(module).href);
}

/** Looks for a package where Node would: in `node_modules` of the folder and of all above it. */
async function findPackage(name: string, dir: string): Promise<Manifest | undefined> {
  for (const folder of upwards(dir)) {
    const found = await readManifest(join(folder, "node_modules", name));
    if (found) return found;
  }
  return undefined;
}

async function nearestManifest(dir: string): Promise<Manifest | undefined> {
  for (const folder of upwards(resolve(dir))) {
    const found = await readManifest(folder);
    if (found) return found;
  }
  return undefined;
}

function upwards(dir: string): string[] {
  const above = dirname(dir);
  return above === dir ? [dir] : [dir, ...upwards(above)];
}

async function readManifest(dir: string): Promise<Manifest | undefined> {
  try {
    return { dir, manifest: record(JSON.parse(await readFile(join(dir, "package.json"), "utf8"))) };
  } catch {
    return undefined;
  }
}

function isInside(dir: string, file: string): boolean {
  const way = relative(dir, resolve(dir, file));
  return way !== "" && !way.startsWith("..") && !isAbsolute(way);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}
