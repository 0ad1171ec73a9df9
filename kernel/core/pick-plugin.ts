import { KernelError } from "./errors.ts";
import { suggestion } from "./nearest.ts";
import type { Plugin } from "./plugin.ts";

/**
 * The one plugin among the exports of a module; with an id, the one that has it. Throws a KernelError PLUGIN_MISMATCH that
 * names the module if there is none or no telling which.
 */
export function pickPlugin(module: unknown, from: string, id?: string): Plugin {
  const plugins = pluginsOf(module);
  const fitting = id === undefined ? plugins : plugins.filter((plugin) => plugin.id === id);
  const [plugin, second] = fitting;
  if (plugin && !second) return plugin;
  const ids = plugins.map((other) => other.id);
  if (ids.length === 0) {
    throw new KernelError("PLUGIN_MISMATCH", `${from} exports no plugin${id === undefined ? "" : ` ${id}`}.`);
  }
  if (id !== undefined && !plugin) {
    throw new KernelError("PLUGIN_MISMATCH", `${from} exports no plugin ${id}.${suggestion(id, ids)}`);
  }
  throw new KernelError(
    "PLUGIN_MISMATCH",
    `${from} exports ${fitting.length} plugins (${ids.join(", ")}), expected one.`,
  );
}

function pluginsOf(module: unknown): Plugin[] {
  if (typeof module !== "object" || module === null) return [];
  return [...new Set(Object.values(module).filter(isPlugin))];
}

function isPlugin(value: unknown): value is Plugin {
  if (typeof value !== "object" || value === null) return false;
  const { id, spi, name, setup } = value as Partial<Plugin>;
  return (
    typeof setup === "function" && typeof name === "string" && typeof spi?.id === "string" && id === `${spi.id}/${name}`
  );
}
