import { dirname } from "node:path";
import type { Catalogue } from "../core/catalogue.ts";
import type { ConfigPath, CoreConfig, Location, Problem } from "../core/config.ts";
import type { Definitions } from "../core/definitions.ts";
import { loadAll, loadUsed } from "../core/load.ts";
import { plan } from "../core/plan.ts";
import type { Plugin } from "../core/plugin.ts";
import { filePlugins } from "../core/sources.ts";
import type { AppFile, FileReference } from "./app-file.ts";
import { withChosen } from "./chosen.ts";
import { installedPlugins } from "./installed.ts";
import { type LoadedConfig, type LoadOptions, loadConfig } from "./load-config.ts";
import { checkPolicies, type PoliciesChecked } from "./policies.ts";
import { byPlace, reportInto } from "./problem.ts";
import { findServices } from "./services.ts";

/** An app as its configuration describes it: what the kernel is to run, and everything that is wrong with it. */
export interface App {
  readonly name: string;
  readonly core: CoreConfig;
  readonly catalogue: Catalogue;
  /** In order of place. With problems, the app must not be started. */
  readonly problems: readonly Problem[];
  /** Odd, but harmless. */
  readonly warnings: readonly Problem[];
  /** The files it was read from, to be watched. Absolute. */
  readonly files: readonly string[];
}

export interface AppOptions extends LoadOptions {
  /** Plugins that are there without being installed: the runtime's own. */
  readonly own?: readonly Plugin[];
}

/** Reads an app file, finds its plugins and services and checks all of it. Starts nothing and throws nothing. */
export async function loadApp(path: string, { own = [], ...options }: AppOptions = {}): Promise<App> {
  const config = await loadConfig(path, options);
  const found = await findPlugins(config, dirname(path), own);
  const core = coreConfig(config, found.catalogue);
  const definitions = await loadUsed(found.catalogue, core);
  const planned = plan(definitions, core);
  const policies = await checkedPolicies(config.file, definitions, core);
  return {
    name: config.file.app,
    core,
    catalogue: found.catalogue,
    problems: byPlace([...config.problems, ...found.problems, ...planned.problems, ...policies.problems]),
    warnings: byPlace([...planned.warnings, ...policies.warnings]),
    files: config.files,
  };
}

async function findPlugins({ file, directory, locate }: LoadedConfig, shown: string, own: readonly Plugin[]) {
  const problems: Problem[] = [];
  const services = await findServices(file.services, shown, reportInto(problems));
  const installed = await installedPlugins(directory, own);
  const files = await filePlugins(pluginFiles(file.plugins), directory);
  const located = files.problems.map((problem) => ({ ...problem, location: locate(problem.path) }));
  return {
    catalogue: [...services, ...files.catalogue, ...installed.catalogue],
    problems: [...problems, ...located, ...installed.problems],
  };
}

function pluginFiles(plugins: readonly FileReference[]): readonly string[] | Readonly<Record<string, string>> {
  const named = plugins.flatMap(({ name, path = "" }) => (name === undefined ? [] : [[name, path] as const]));
  return named.length > 0 ? Object.fromEntries(named) : plugins.map(({ path = "" }) => path);
}

function coreConfig({ file, locate }: LoadedConfig, catalogue: Catalogue): CoreConfig {
  const services = file.services.map(({ name = "" }) => name);
  const use = { ...withChosen(file.use, file.policies, catalogue), ...(services.length > 0 && { service: services }) };
  return { use, options: file.options, locate: locateUse(file, locate) };
}

/** Services are written under `services`, and selected like every other plugin under `use`. */
function locateUse({ services }: AppFile, locate: (path: ConfigPath) => Location): (path: ConfigPath) => Location {
  return (path) => {
    const [top, spi, index] = path;
    if (top !== "use" || spi !== "service") return locate(path);
    return (typeof index === "number" && services[index]?.at) || locate(["services"]);
  };
}

/** Fields nobody reads are looked for in all installed plugins, which is only worth it when there are some. */
async function checkedPolicies(
  { policies }: AppFile,
  definitions: Definitions,
  config: CoreConfig,
): Promise<PoliciesChecked> {
  const { catalogue } = definitions;
  const used = pluginsIn(definitions);
  const first = checkPolicies(policies, { used, installed: used, catalogue, config });
  if (first.problems.every(({ code }) => code !== "POLICY_UNKNOWN")) return first;
  return checkPolicies(policies, { used, installed: pluginsIn(await loadAll(catalogue)), catalogue, config });
}

function pluginsIn({ loaded }: Definitions): Plugin[] {
  return [...loaded.values()].flatMap((state) => ("plugin" in state ? [state.plugin] : []));
}
