import type { CatalogueEntry } from "./catalogue.ts";
import { chainOrder } from "./chain-order.ts";
import type { ConfigPath, CoreConfig } from "./config.ts";
import type { Definitions, Shelf } from "./definitions.ts";
import { suggestion } from "./nearest.ts";
import type { Plugin } from "./plugin.ts";
import type { ProblemList } from "./problems.ts";
import type { Spi } from "./spi.ts";
import type { Use, UseEntry, UseRead } from "./use.ts";

/** Why a plugin is part of the system. */
export type Why =
  | { readonly by: "config" }
  /** Nothing is selected for its SPI, and this plugin (by key) needs one. */
  | { readonly by: "fallback"; readonly neededBy: string }
  /** It joins the default set of its chain by itself. */
  | { readonly by: "activation"; readonly order: number };

/** A plugin that is part of the system. */
export interface Member {
  readonly name: string;
  readonly alias: string;
  readonly key: string;
  /** Its place among active plugins of a chain. */
  readonly order: number;
  readonly plugin: Plugin;
  readonly entry: CatalogueEntry;
  readonly why: Why;
  /** What in the configuration it goes back to. */
  readonly path: ConfigPath;
}

/** What serves one SPI. */
export interface SpiSelection {
  readonly spi: Spi<unknown>;
  readonly members: readonly Member[];
  /** Wrappers that stand before each member. */
  readonly wrappers: readonly Member[];
}

/** Somebody who needs an SPI. */
export interface Demand {
  readonly by: string;
  readonly path: ConfigPath;
}

/** What earlier rounds found out; it only grows, so the rounds come to an end. */
export interface Known {
  /** SPIs somebody needs. */
  readonly asked: ReadonlyMap<string, Spi<unknown>>;
  /** SPIs for which the fallback would do, with who needs it first. */
  readonly lacking: ReadonlyMap<string, Demand>;
  /** SPIs with a plugin selected. */
  readonly used: ReadonlySet<string>;
}

/** What does not change from round to round. */
export interface Setting {
  readonly definitions: Definitions;
  readonly shelves: ReadonlyMap<string, Shelf>;
  readonly tokens: ReadonlyMap<string, Spi<unknown>>;
  readonly reads: ReadonlyMap<string, UseRead>;
  readonly config: CoreConfig;
}

export interface Round {
  readonly setting: Setting;
  readonly known: Known;
  readonly list: ProblemList;
  readonly missing: Set<CatalogueEntry>;
}

const noUse: Use = { entries: [], removed: [], defaultAt: undefined, withoutDefault: false };

/** Selects what serves one SPI; nothing while it is not known what kind of SPI it is. */
export function selectSpi(id: string, round: Round): SpiSelection | undefined {
  const { setting, known, list } = round;
  const { use, faults } = setting.reads.get(id) ?? { use: noUse, faults: [] };
  for (const { code, message, path } of faults) list.add(code, message, path);
  const token = setting.tokens.get(id) ?? known.asked.get(id);
  if (!token && !setting.shelves.has(id)) {
    const ids = [...setting.shelves.keys(), ...setting.tokens.keys()];
    list.add("SPI_UNKNOWN", `"${id}" is not an SPI of any installed plugin.${suggestion(id, ids)}`, ["use", id]);
    return undefined;
  }
  const listed = use.entries.flatMap((entry) => find(id, entry, { by: "config" }, round) ?? []);
  const spi = listed[0]?.plugin.spi ?? token;
  if (!spi) {
    if (use.entries.length === 0) loadAll(id, use, round); // its kind decides what the list means
    return undefined;
  }
  for (const member of listed) checkSame(spi, token ?? spi, member, list);
  const members = listed.filter(({ plugin }) => !plugin.wraps);
  const wrappers = listed.filter(({ plugin }) => plugin.wraps);
  if (spi.kind === "chain") return { spi, members: chainMembers(spi, use, members, round), wrappers };
  checkList(spi, use, members, list);
  const bare = use.entries.length === wrappers.length;
  return { spi, members: bare ? fallbackOf(spi, wrappers[0], round) : members, wrappers };
}

function find(spi: string, entry: UseEntry, why: Why, { setting, list, missing }: Round): Member | undefined {
  const { name, alias, key, path } = entry;
  const shelf = setting.shelves.get(spi);
  const [found, second] = shelf?.get(name) ?? [];
  if (!found) {
    list.add(
      "PLUGIN_UNKNOWN",
      `${spi} "${name}" is not a plugin of this SPI.${suggestion(name, shelf?.keys() ?? [])}`,
      path,
    );
    return undefined;
  }
  if (second) {
    const message = `two plugins have the id ${found.id}: one from ${found.from}, one from ${second.from}. Remove or rename one.`;
    list.add("PLUGIN_DUPLICATE", message, path);
    return undefined;
  }
  const state = setting.definitions.loaded.get(found);
  if (!state) missing.add(found);
  else if ("failure" in state) list.add(state.failure.code, state.failure.message, path);
  else {
    const order = state.plugin.activate?.order ?? 0;
    return { name, alias, key, order, plugin: state.plugin, entry: found, why, path };
  }
  return undefined;
}

function loadAll(spi: string, { removed }: Use, { setting, missing }: Round): void {
  for (const [name, entries] of setting.shelves.get(spi) ?? []) {
    for (const entry of entries) {
      const wanted = !removed.some((removal) => removal.name === name);
      if (wanted && !setting.definitions.loaded.has(entry)) missing.add(entry);
    }
  }
}

function checkSame(spi: Spi<unknown>, token: Spi<unknown>, { plugin, entry, path }: Member, list: ProblemList): void {
  for (const other of [spi, token]) {
    const own = plugin.spi;
    if (own.kind === other.kind && own.fallback === other.fallback) continue;
    const message = `${plugin.id} from ${entry.from} takes ${own.id} for an SPI of kind ${own.kind}, others for kind ${other.kind}.`;
    list.add("SPI_CONFLICT", `${message} Install one version of the package that declares it.`, path);
    return;
  }
}

function checkList(spi: Spi<unknown>, use: Use, members: readonly Member[], list: ProblemList): void {
  const path: ConfigPath = ["use", spi.id];
  if (use.defaultAt !== undefined || use.withoutDefault || use.removed.length > 0) {
    const message = `${spi.id}: only the list of a chain knows \`default\` and names with a minus; ${spi.id} is of kind ${spi.kind}.`;
    list.add("USE_INVALID", `${message} Name the plugins that are to serve.`, use.removed[0]?.path ?? path);
  }
  const [first, second] = members;
  if (spi.kind !== "one" || !first || !second) return;
  const names = members.map(({ name }) => name).join(", ");
  list.add(
    "KIND_ONE",
    `exactly one plugin of ${spi.id} can serve, found ${members.length}: ${names}. Keep one.`,
    second.path,
  );
}

function chainMembers(spi: Spi<unknown>, use: Use, listed: readonly Member[], round: Round): readonly Member[] {
  const names = round.setting.shelves.get(spi.id)?.keys().toArray() ?? [];
  for (const { name, path } of use.removed) {
    if (names.includes(name)) continue;
    round.list.add("PLUGIN_UNKNOWN", `${spi.id} "-${name}": there is no such plugin.${suggestion(name, names)}`, path);
  }
  const before = use.entries.slice(0, use.defaultAt).map(({ key }) => key);
  const defaultAt = use.defaultAt === undefined ? undefined : listed.filter(({ key }) => before.includes(key)).length;
  const active = use.withoutDefault ? [] : activeMembers(spi, use, names, round);
  for (const { alias, path } of listed.filter(({ alias }) => active.some(({ name }) => name === alias))) {
    const message = `${spi.id}: the alias ${alias} is also the name of a plugin that joins by itself; choose another alias.`;
    round.list.add("LIST_CONTRADICTORY", message, path);
  }
  return chainOrder({ ...use, defaultAt }, listed, active);
}

function activeMembers(spi: Spi<unknown>, use: Use, names: readonly string[], round: Round): Member[] {
  const spoken = new Set([...use.entries, ...use.removed].map(({ name }) => name));
  const path: ConfigPath = ["use", spi.id];
  return names
    .filter((name) => !spoken.has(name))
    .flatMap(
      (name) => find(spi.id, { name, alias: name, key: `${spi.id}/${name}`, path }, { by: "config" }, round) ?? [],
    )
    .filter(({ plugin: { activate, wraps } }) => {
      return activate && !wraps && (activate.whenUsed ?? []).every(({ id }) => round.known.used.has(id));
    })
    .map((member) => ({ ...member, why: { by: "activation", order: member.order } }));
}

function fallbackOf(spi: Spi<unknown>, wrapper: Member | undefined, round: Round): Member[] {
  const demand = round.known.lacking.get(spi.id) ?? (wrapper && { by: wrapper.key, path: wrapper.path });
  if (!demand) return [];
  if (spi.fallback === undefined) {
    if (wrapper)
      round.list.add(
        "NEED_UNMET",
        `${wrapper.key} wraps a plugin of ${spi.id}, but none is selected. Name one beside it.`,
        wrapper.path,
      );
    return [];
  }
  const id = `${spi.id}/${spi.fallback}`;
  if (!round.setting.shelves.get(spi.id)?.has(spi.fallback)) {
    const message = `${demand.by} needs ${spi.id}; none is selected, and its fallback ${id} is not installed.`;
    round.list.add("NEED_UNMET", `${message} Select a plugin: use: { ${spi.id}: … }.`, demand.path);
    return [];
  }
  const entry = { name: spi.fallback, alias: spi.fallback, key: id, path: demand.path };
  return [find(spi.id, entry, { by: "fallback", neededBy: demand.by }, round) ?? []].flat();
}
