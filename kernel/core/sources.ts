import { isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Catalogue, CatalogueEntry, PluginSource } from "./catalogue.ts";
import type { Problem } from "./config.ts";
import { KernelError } from "./errors.ts";
import { moduleFault } from "./module-fault.ts";
import { pickPlugin } from "./pick-plugin.ts";
import type { Plugin } from "./plugin.ts";

/** Plugins found somewhere, and what was wrong there. */
export interface FoundPlugins {
  readonly catalogue: Catalogue;
  readonly problems: readonly Problem[];
}

/** A plugin in a module that is imported when the plugin is used; the module exports exactly one plugin with this id. */
export function moduleEntry(
  id: string,
  source: PluginSource,
  from: string,
  load: () => Promise<unknown>,
): CatalogueEntry {
  return { id, source, from, load: async () => pickPlugin(await load(), from, id) };
}

/** A plugin in a file, by absolute path. */
export function fileEntry(id: string, path: string, source: PluginSource = "file"): CatalogueEntry {
  return moduleEntry(id, source, path, () => importFile(path));
}

/** Files with plugins as a configuration names them: paths, or paths by plugin id. */
export type PluginFiles = readonly string[] | Readonly<Record<string, string>>;

/**
 * Plugins in files. Paths are relative to `base`. Files named by id are loaded when used; of a file named by its path alone the
 * id is in the module, which is therefore loaded at once, and must export exactly one plugin. Problems have the path
 * `["plugins", <index or id>]`.
 */
export async function filePlugins(files: PluginFiles, base: string): Promise<FoundPlugins> {
  if (!isList(files)) {
    return { catalogue: Object.entries(files).map(([id, path]) => fileEntry(id, absolute(base, path))), problems: [] };
  }
  const found = await Promise.all(files.map((path, index) => readFilePlugin(absolute(base, path), index)));
  return {
    catalogue: found.flatMap((one) => ("problem" in one ? [] : [one.entry])),
    problems: found.flatMap((one) => ("problem" in one ? [one.problem] : [])),
  };
}

type FoundFile = { readonly entry: CatalogueEntry } | { readonly problem: Problem };

async function readFilePlugin(path: string, index: number): Promise<FoundFile> {
  try {
    const plugin: Plugin = pickPlugin(await importFile(path), path);
    return { entry: { id: plugin.id, source: "file", from: path, load: async () => plugin } };
  } catch (error) {
    const known = error instanceof KernelError;
    const message = known ? error.subject : `the plugin file ${path} cannot be loaded: ${moduleFault(error)}`;
    return { problem: { code: known ? error.code : "PLUGIN_UNLOADABLE", message, path: ["plugins", index] } };
  }
}

function importFile(path: string): Promise<unknown> {
  return import(pathToFileURL(path).href);
}

function absolute(base: string, path: string): string {
  return isAbsolute(path) ? path : resolve(base, path);
}

function isList(files: PluginFiles): files is readonly string[] {
  return Array.isArray(files);
}
