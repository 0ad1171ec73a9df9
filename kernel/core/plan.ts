import type { CatalogueEntry } from "./catalogue.ts";
import type { ConfigPath, CoreConfig, Location, Problem } from "./config.ts";
import { type Definitions, definitionsOf } from "./definitions.ts";
import { checkOptionKeys } from "./option-keys.ts";
import { readOptions } from "./options.ts";
import { circles, type Graph, startOrder, waiting } from "./order.ts";
import type { Plugin } from "./plugin.ts";
import { locationOf, type ProblemList, problemList } from "./problems.ts";
import { type Market, type Provider, type ResolvedNeed, resolveNeeds } from "./resolve-needs.ts";
import { select } from "./select.ts";
import type { Member, SpiSelection, Why } from "./select-spi.ts";

/** One plugin to start, with everything decided that can be decided beforehand. */
export interface Step {
  /** The plugin's key; for a wrapper followed by what it wraps: `store/replicas > store/postgres`. */
  readonly id: string;
  readonly key: string;
  readonly alias: string;
  readonly plugin: Plugin;
  readonly entry: CatalogueEntry;
  readonly why: Why;
  /** What in the configuration it goes back to. */
  readonly path: ConfigPath;
  readonly location: Location | undefined;
  /** Complete and frozen. */
  readonly options: unknown;
  readonly exclusive: boolean;
  /** By the local name the plugin gave the need. */
  readonly needs: Readonly<Record<string, ResolvedNeed>>;
  /** For a wrapper: the step right behind it, and the name of the innermost plugin. */
  readonly inner: { readonly step: string; readonly name: string } | undefined;
  /** Steps that are started before it. */
  readonly waitsFor: readonly string[];
}

/** A system to be: which plugins, with which options, in which order. */
export interface Plan {
  readonly config: CoreConfig;
  /** In start order. */
  readonly steps: ReadonlyMap<string, Step>;
  /** What serves each SPI, by SPI id; the first is the default. */
  readonly serving: ReadonlyMap<string, readonly Provider[]>;
}

/** A plan, or all reasons why there is none; and what is odd but harmless. */
export interface Planned {
  readonly plan: Plan | undefined;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/**
 * Turns a configuration into a plan. Pure: it loads and starts nothing, and reports everything that is wrong at once. Use
 * `loadUsed` to load the plugins it needs first.
 */
export function plan(from: Definitions | readonly Plugin[], config: CoreConfig): Planned {
  const definitions = "catalogue" in from ? from : definitionsOf(from);
  const selection = select(definitions, config);
  const list = problemList(config.locate);
  const warnings = problemList(config.locate);
  checkOptionKeys(definitions, selection, config, list, warnings);
  const serving = new Map([...selection.bySpi].map(([id, one]) => [id, providersOf(one)]));
  const drafts = [...selection.bySpi.values()].flatMap((one) => draftsOf(one, config, { selection, serving, list }));
  const graph = graphOf(drafts);
  for (const circle of circles(graph)) reportCircle(circle, drafts, list);
  const problems = [...selection.problems, ...list.problems];
  const steps = problems.length > 0 ? undefined : ordered(drafts, graph);
  return { plan: steps && { config, steps, serving }, problems, warnings: warnings.problems };
}

type Draft = Omit<Step, "waitsFor">;

/** Wrappers from the outermost to the innermost: lowest order first, then by name. */
function onion(wrappers: readonly Member[]): Member[] {
  return [...wrappers].sort((a, b) => a.plugin.order - b.plugin.order || (a.name < b.name ? -1 : 1));
}

function stepId(wrappers: readonly Member[], member: Member): string {
  return [...wrappers, member].map(({ key }) => key).join(" > ");
}

function providersOf({ members, wrappers }: SpiSelection): Provider[] {
  return members.map((member) => ({ alias: member.alias, step: stepId(onion(wrappers), member) }));
}

function draftsOf({ members, wrappers }: SpiSelection, config: CoreConfig, market: Market): Draft[] {
  const layers = onion(wrappers);
  const plain = members.map((member): Draft => {
    const self = new Set([stepId(layers, member)]);
    return { ...draftOf(member, self, config, market), id: member.key, inner: undefined };
  });
  const all = new Set(members.map((member) => stepId(layers, member)));
  const wrapping = layers.flatMap((layer, depth) => {
    const draft = draftOf(layer, all, config, market);
    const behind = layers.slice(depth + 1);
    return members.map((member): Draft => {
      const inner = { step: stepId(behind, member), name: member.name };
      return { ...draft, id: stepId([layer, ...behind], member), alias: member.alias, inner };
    });
  });
  return [...plain, ...wrapping];
}

function draftOf(
  member: Member,
  self: ReadonlySet<string>,
  config: CoreConfig,
  market: Market,
): Omit<Draft, "id" | "inner"> {
  const { key, alias, plugin, entry, why, path } = member;
  const { options, faults } = readOptions(plugin, key, config.options[key]);
  for (const fault of faults) market.list.add(fault.code, fault.message, ["options", key, ...fault.path]);
  const exclusive = faults.length === 0 && plugin.exclusive(options);
  const needs = resolveNeeds(member, self, market);
  return { key, alias, plugin, entry, why, path, location: locationOf(config.locate, path), options, exclusive, needs };
}

function graphOf(drafts: readonly Draft[]): Graph {
  const ids = new Set(drafts.map(({ id }) => id));
  return new Map(
    drafts.map(({ id, needs, inner }) => {
      const edges = Object.values(needs).map(({ shape, providers }) => ({
        live: shape.live,
        to: providers.map(({ step }) => step).filter((step) => ids.has(step)),
      }));
      const pick = (live: boolean) => edges.flatMap((edge) => (edge.live === live ? edge.to : []));
      return [id, { hard: [...(inner ? [inner.step] : []), ...pick(false)], soft: pick(true) }];
    }),
  );
}

function reportCircle(circle: readonly string[], drafts: readonly Draft[], list: ProblemList): void {
  const way = circle.join(" → ");
  const path = drafts.find(({ id }) => id === circle[0])?.path ?? ["use"];
  list.add(
    "NEED_CYCLE",
    `plugins need each other in a circle: ${way}. Make one of these needs live(…) to break it.`,
    path,
  );
}

function ordered(drafts: readonly Draft[], graph: Graph): ReadonlyMap<string, Step> {
  const waits = waiting(graph);
  const byId = new Map(drafts.map((draft) => [draft.id, draft]));
  return new Map(startOrder(waits).map((id) => [id, { ...(byId.get(id) as Draft), waitsFor: waits.get(id) ?? [] }]));
}
