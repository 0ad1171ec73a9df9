import type { Catalogue, CatalogueEntry, PluginSource } from "./catalogue.ts";
import type { KernelErrorCode } from "./errors.ts";
import type { Plugin } from "./plugin.ts";

/** Why the module of a plugin gives no plugin. */
export interface LoadFailure {
  readonly code: KernelErrorCode;
  readonly message: string;
}

/** What reading the module of a plugin gave. */
export type Loaded = { readonly plugin: Plugin } | { readonly failure: LoadFailure };

/** What planning works on: all plugins that could be used, and those already loaded. */
export interface Definitions {
  readonly catalogue: Catalogue;
  readonly loaded: ReadonlyMap<CatalogueEntry, Loaded>;
}

/** Definitions of plugins that are already there, for tests and for apps that import their plugins. */
export function definitionsOf(plugins: readonly Plugin[]): Definitions {
  const catalogue = plugins.map((plugin) => pluginEntry(plugin));
  return { catalogue, loaded: new Map(catalogue.map((entry, index) => [entry, { plugin: plugins[index] as Plugin }])) };
}

/** The catalogue entry of a plugin that is already there. */
export function pluginEntry(plugin: Plugin, source: PluginSource = "app", from = "this program"): CatalogueEntry {
  return { id: plugin.id, source, from, load: async () => plugin };
}

/** The name part of the id `<spi>/<name>`. */
export function nameOf(id: string): string {
  return id.slice(id.indexOf("/") + 1);
}

/** The SPI part of the id `<spi>/<name>`. */
export function spiOf(id: string): string {
  return id.slice(0, Math.max(0, id.indexOf("/")));
}

/** The entries of one SPI by plugin name; more than one under a name is a mistake of the installation. */
export type Shelf = ReadonlyMap<string, readonly CatalogueEntry[]>;

/** Sorts a catalogue by SPI and name. */
export function shelve(catalogue: Catalogue): ReadonlyMap<string, Shelf> {
  const shelves = new Map<string, Map<string, CatalogueEntry[]>>();
  for (const entry of catalogue) {
    const shelf = shelves.get(spiOf(entry.id)) ?? new Map<string, CatalogueEntry[]>();
    shelves.set(spiOf(entry.id), shelf);
    shelf.set(nameOf(entry.id), [...(shelf.get(nameOf(entry.id)) ?? []), entry]);
  }
  return shelves;
}
