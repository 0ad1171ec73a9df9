import type { Catalogue, CatalogueEntry } from "./catalogue.ts";
import type { CoreConfig } from "./config.ts";
import type { Definitions, Loaded } from "./definitions.ts";
import { KernelError } from "./errors.ts";
import { moduleFault } from "./module-fault.ts";
import { select } from "./select.ts";

/**
 * Loads the modules of the plugins a configuration uses and of those they need in turn, and no others. A list with the word
 * `default`, and a chain nobody lists, loads all plugins of its SPI, for each says itself whether it joins. A module that
 * cannot be loaded is a problem of the plan.
 */
export async function loadUsed(catalogue: Catalogue, config: CoreConfig): Promise<Definitions> {
  const loaded = new Map<CatalogueEntry, Loaded>();
  for (;;) {
    const { missing } = select({ catalogue, loaded }, config);
    if (missing.length === 0) return { catalogue, loaded };
    const states = await Promise.all(missing.map(loadEntry));
    for (const [index, entry] of missing.entries()) loaded.set(entry, states[index] as Loaded);
  }
}

/** Loads every plugin of a catalogue, for lists of what there is. */
export async function loadAll(catalogue: Catalogue): Promise<Definitions> {
  const states = await Promise.all(catalogue.map(loadEntry));
  return { catalogue, loaded: new Map(catalogue.map((entry, index) => [entry, states[index] as Loaded])) };
}

async function loadEntry(entry: CatalogueEntry): Promise<Loaded> {
  try {
    const plugin = await entry.load();
    if (plugin.id === entry.id) return { plugin };
    const message = `${entry.from} is listed as ${entry.id}, but the plugin it exports is ${plugin.id}.`;
    return { failure: { code: "PLUGIN_MISMATCH", message } };
  } catch (error) {
    if (error instanceof KernelError) return { failure: { code: error.code, message: error.subject } };
    const message = `${entry.id} cannot be loaded from ${entry.from}: ${moduleFault(error)}`;
    return { failure: { code: "PLUGIN_UNLOADABLE", message } };
  }
}
