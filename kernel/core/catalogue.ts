import type { Plugin } from "./plugin.ts";

/** Where a plugin comes from. */
export type PluginSource = "built-in" | "package" | "file" | "app";

/** A plugin that can be loaded. Nothing of it runs before `load`. */
export interface CatalogueEntry {
  /** `<spi>/<name>`. */
  readonly id: string;
  readonly source: PluginSource;
  /** The module for people to find: a path or a package name. */
  readonly from: string;
  load(): Promise<Plugin>;
}

/** All plugins that could be used, by id. Two entries with one id are a problem of the plan that uses them. */
export type Catalogue = readonly CatalogueEntry[];
