import { pluginEntry } from "../core/definitions.ts";
import { packagePlugins } from "../core/package-plugins.ts";
import type { FoundPlugins } from "../core/sources.ts";
import { runtimePlugins } from "../runtime/runtime-plugins.ts";

/** The packages that come with the kernel. They are found by name only, so the kernel depends on none of them. */
const companions = { names: ["@mortise/plugins", "@mortise/telemetry"], dir: import.meta.dirname };

/** Every plugin an app in this directory can name: ours, and those of the packages it depends on. The runtime needs no package. */
export async function installedPlugins(directory: string): Promise<FoundPlugins> {
  const { catalogue, problems } = await packagePlugins(directory, companions);
  const installed = new Set(catalogue.map(({ id }) => id));
  const own = runtimePlugins.filter(({ id }) => !installed.has(id));
  return {
    catalogue: [...own.map((plugin) => pluginEntry(plugin, "built-in", "@mortise/kernel")), ...catalogue],
    problems,
  };
}
