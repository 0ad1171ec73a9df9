import type { CatalogueEntry } from "./catalogue.ts";
import type { CoreConfig, Problem } from "./config.ts";
import { type Definitions, shelve } from "./definitions.ts";
import { needShape } from "./need-shape.ts";
import { problemList } from "./problems.ts";
import { type Demand, type Known, type Member, type Setting, type SpiSelection, selectSpi } from "./select-spi.ts";
import type { Spi } from "./spi.ts";
import { readUse } from "./use.ts";

/** Everything that is part of the system. */
export interface Selection {
  readonly bySpi: ReadonlyMap<string, SpiSelection>;
  /** Entries that must be loaded before the selection is complete. */
  readonly missing: readonly CatalogueEntry[];
  /** SPIs whose selection has a problem, by id; that somebody lacks them is no news. */
  readonly broken: ReadonlySet<string>;
  /** Names of the plugins of an SPI that could be selected. */
  installed(spi: string): readonly string[];
  readonly problems: readonly Problem[];
}

/**
 * Works out which plugins make up the system: those the configuration names, those that join a chain by themselves, and the
 * fallbacks of SPIs that somebody needs and nobody selected; the same for what these need in turn.
 */
export function select(definitions: Definitions, config: CoreConfig): Selection {
  const setting: Setting = {
    definitions,
    shelves: shelve(definitions.catalogue),
    tokens: tokensOf(definitions),
    reads: new Map(Object.entries(config.use).map(([spi, value]) => [spi, readUse(spi, value)])),
    config,
  };
  for (let known = nothingKnown; ; ) {
    const selection = selectRound(setting, known);
    const next = learn(known, selection);
    if (sizeOf(next) === sizeOf(known)) return selection;
    known = next;
  }
}

const nothingKnown: Known = { asked: new Map(), lacking: new Map(), used: new Set() };

function sizeOf({ asked, lacking, used }: Known): number {
  return asked.size + lacking.size + used.size;
}

function tokensOf({ loaded }: Definitions): Map<string, Spi<unknown>> {
  const plugins = [...loaded.values()].flatMap((state) => ("plugin" in state ? [state.plugin] : []));
  const needed = plugins.flatMap(({ needs }) => Object.values(needs).map((need) => needShape(need).spi));
  return new Map([...needed, ...plugins.map(({ spi }) => spi)].map((spi) => [spi.id, spi]));
}

function learn(known: Known, { bySpi }: Selection): Known {
  const next = { asked: new Map(known.asked), lacking: new Map(known.lacking), used: new Set(known.used) };
  for (const [id, { members, wrappers }] of bySpi) {
    if (members.length > 0) next.used.add(id);
    for (const member of [...members, ...wrappers]) learnNeeds(member, next);
  }
  return next;
}

interface Learning {
  readonly asked: Map<string, Spi<unknown>>;
  readonly lacking: Map<string, Demand>;
}

function learnNeeds({ plugin, key, path }: Member, { asked, lacking }: Learning): void {
  for (const need of Object.values(plugin.needs)) {
    const { spi, wants, name } = needShape(need);
    if (wants === "optional") continue;
    if (!asked.has(spi.id)) asked.set(spi.id, spi);
    const served = wants !== "named" || name === spi.fallback;
    if (served && !lacking.has(spi.id)) lacking.set(spi.id, { by: key, path });
  }
}

function selectRound(setting: Setting, known: Known): Selection {
  const bySpi = new Map<string, SpiSelection>();
  const broken = new Set<string>();
  const missing = new Set<CatalogueEntry>();
  const list = problemList(setting.config.locate);
  for (const id of new Set([...setting.reads.keys(), ...known.asked.keys()])) {
    const before = list.problems.length;
    const selection = selectSpi(id, { setting, known, list, missing });
    if (selection) bySpi.set(id, selection);
    if (list.problems.length > before) broken.add(id);
  }
  const installed = (spi: string) => [...(setting.shelves.get(spi)?.keys() ?? [])].sort();
  return { bySpi, missing: [...missing], broken, installed, problems: list.problems };
}
