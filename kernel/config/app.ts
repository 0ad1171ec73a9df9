import { dirname } from "node:path";
import type { Catalogue, CatalogueEntry } from "../core/catalogue.ts";
import type { ConfigPath, CoreConfig, Problem } from "../core/config.ts";
import type { Definitions } from "../core/definitions.ts";
import { loadAll, loadUsed } from "../core/load.ts";
import { type Plan, plan } from "../core/plan.ts";
import type { Plugin } from "../core/plugin.ts";
import { formatLocation } from "../core/problems.ts";
import { filePlugins } from "../core/sources.ts";
import { checkApp } from "../runtime/check-app.ts";
import { checkTransactions } from "../runtime/check-transactions.ts";
import type { PolicyTable } from "../runtime/policy.ts";
import type { TransactionTable } from "../runtime/transaction-policy.ts";
import type { AppFile } from "./app-file.ts";
import { installedStrategies } from "./chosen.ts";
import { coreConfig, policiesKey, transactionPoliciesKey } from "./core-config.ts";
import { installedPlugins } from "./installed.ts";
import { type LoadedConfig, type LoadOptions, loadConfig, type ReadFile } from "./load-config.ts";
import { checkPolicies, type PoliciesChecked } from "./policies.ts";
import { type KnownContracts, knownContracts } from "./policy-targets.ts";
import { byPlace, reportInto } from "./problem.ts";
import type { FileReference } from "./references.ts";
import { findOthers, findServices, findServicesElsewhere } from "./services.ts";

/** An app as its configuration describes it: what the kernel is to run, and everything that is wrong with it. */
export interface App {
  readonly name: string;
  readonly core: CoreConfig;
  readonly catalogue: Catalogue;
  /** In order of place. With problems, the app must not be started. */
  readonly problems: readonly Problem[];
  /** Odd, but harmless. */
  readonly warnings: readonly Problem[];
  /** What the kernel would run; nothing if there are problems. */
  readonly plan: Plan | undefined;
  readonly policies: PolicyTable;
  readonly transactions: TransactionTable;
  /** Contracts its plugins serve and call. */
  readonly contracts: KnownContracts;
  /** The files it was read from, to be watched. */
  readonly files: readonly ReadFile[];
}

/** Reads an app file, finds its plugins and services and checks all of it. Starts nothing and throws nothing. */
export async function loadApp(path: string, options: LoadOptions = {}): Promise<App> {
  const config = await loadConfig(path, options);
  if (config.problems.some(({ code }) => code === "CONFIG_FILE")) return unread(config);
  const found = await findPlugins(config, dirname(path));
  const core = coreConfig(config, found.catalogue);
  const definitions = await loadUsed(found.catalogue, core);
  const planned = plan(definitions, core);
  const others = () => findOthers(config.services, config.file.services, dirname(path));
  const policies = await checkedPolicies(config.file, definitions, core, others);
  const unworkable = planned.plan ? checkApp(planned.plan, config.file.policies) : [];
  const transactions =
    planned.plan &&
    checkTransactions(planned.plan, config.file.transactions, {
      installed: installedStrategies(found.catalogue),
      takenAway: config.takenAway,
    });
  const read = [...config.problems, ...found.problems];
  const later = [...planned.problems, ...policies.problems, ...unworkable, ...(transactions?.problems ?? [])];
  return {
    name: config.file.app,
    core,
    catalogue: found.catalogue,
    problems: byPlace([...read, ...withoutConsequences(later, read)]),
    warnings: byPlace([...planned.warnings.filter(isWritten), ...policies.warnings, ...(transactions?.warnings ?? [])]),
    plan: planned.plan,
    policies: config.file.policies,
    transactions: config.file.transactions,
    contracts: knownContracts(pluginsIn(definitions)),
    files: config.files,
  };
}

/** Without all of its files nothing more can be said about an app. */
function unread({ file, problems, files }: LoadedConfig): App {
  const core = { use: {}, options: {} };
  const contracts = knownContracts([]);
  return {
    name: file.app,
    core,
    catalogue: [],
    problems,
    warnings: [],
    plan: undefined,
    policies: {},
    transactions: {},
    contracts,
    files,
  };
}

/** What is found wrong later in or at something that is wrong already mostly follows from that. */
function withoutConsequences(later: readonly Problem[], earlier: readonly Problem[]): Problem[] {
  const places = new Set(earlier.flatMap(({ location }) => (location ? [formatLocation(location)] : [])));
  const within = (path: ConfigPath) => earlier.some((one) => one.path.length > 1 && startsWith(path, one.path));
  return later.filter(({ location, path }) => !(location && places.has(formatLocation(location))) && !within(path));
}

function startsWith(path: ConfigPath, start: ConfigPath): boolean {
  return start.every((step, index) => path[index] === step);
}

/** Whether a warning is about something people wrote and may have meant otherwise; a service may run elsewhere. */
function isWritten({ path }: Problem): boolean {
  const ofOthers = path[1] === policiesKey || path[1] === transactionPoliciesKey;
  return !ofOthers && !(path[0] === "options" && String(path[1]).startsWith("service/"));
}

async function findPlugins({ file, directory, locate }: LoadedConfig, shown: string) {
  const problems: Problem[] = [];
  const services = await findServices(file.services, shown, reportInto(problems));
  const elsewhere = await findServicesElsewhere(file.options, file.services, shown);
  const installed = await installedPlugins(directory);
  const files = await filePlugins(pluginFiles(file.plugins), directory);
  const located = files.problems.map((problem) => ({ ...problem, location: locate(problem.path) }));
  return {
    catalogue: [...services, ...elsewhere, ...files.catalogue, ...installed.catalogue],
    problems: [...problems, ...located, ...installed.problems],
  };
}

function pluginFiles(plugins: readonly FileReference[]): readonly string[] | Readonly<Record<string, string>> {
  const named = plugins.flatMap(({ name, path = "" }) => (name === undefined ? [] : [[name, path] as const]));
  return named.length > 0 ? Object.fromEntries(named) : plugins.map(({ path = "" }) => path);
}

/**
 * Fields nobody reads are looked for in all installed plugins, and targets nobody here knows in the services that others run:
 * loading them is only worth it when there are some.
 */
async function checkedPolicies(
  { policies }: AppFile,
  definitions: Definitions,
  config: CoreConfig,
  others: () => Promise<readonly CatalogueEntry[]>,
): Promise<PoliciesChecked> {
  const { catalogue } = definitions;
  const used = pluginsIn(definitions);
  const first = checkPolicies(policies, { used, installed: used, catalogue, config });
  const isUnread = first.problems.some(({ code }) => code === "POLICY_UNKNOWN");
  const isDoubted = first.warnings.some(({ path }) => path.length === 2);
  if (!isUnread && !isDoubted) return first;
  const elsewhere = isDoubted ? pluginsIn(await loadAll(await others())) : [];
  const installed = isUnread ? pluginsIn(await loadAll(catalogue)) : used;
  return checkPolicies(policies, { used, elsewhere, installed, catalogue, config });
}

function pluginsIn({ loaded }: Definitions): Plugin[] {
  return [...loaded.values()].flatMap((state) => ("plugin" in state ? [state.plugin] : []));
}
