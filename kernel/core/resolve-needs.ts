import { suggestion } from "./nearest.ts";
import { describeNeed, type NeedShape, needShape } from "./need-shape.ts";
import type { ProblemList } from "./problems.ts";
import type { Selection } from "./select.ts";
import type { Member } from "./select-spi.ts";

/** A plugin as those who need its SPI find it. */
export interface Provider {
  /** The alias, or else the name. */
  readonly alias: string;
  /** Id of the step that serves: the outermost wrapper, or else the plugin itself. */
  readonly step: string;
}

/** A need with what the plan found for it. */
export interface ResolvedNeed {
  readonly shape: NeedShape;
  readonly providers: readonly Provider[];
}

/** What everybody who resolves needs looks at. */
export interface Market {
  readonly selection: Selection;
  /** What serves each SPI, by SPI id; the first is the default. */
  readonly serving: ReadonlyMap<string, readonly Provider[]>;
  readonly list: ProblemList;
}

/** Finds what satisfies the needs of a plugin, by the local names it gave them. `self` are its own steps. */
export function resolveNeeds(member: Member, self: ReadonlySet<string>, market: Market): Record<string, ResolvedNeed> {
  return Object.fromEntries(
    Object.entries(member.plugin.needs).map(([local, need]) => {
      const shape = needShape(need);
      return [local, { shape, providers: providersFor(shape, member, self, market) }];
    }),
  );
}

function providersFor(
  shape: NeedShape,
  member: Member,
  self: ReadonlySet<string>,
  market: Market,
): readonly Provider[] {
  const { spi, wants, name } = shape;
  const all = market.serving.get(spi.id) ?? [];
  if (wants === "every") return all.filter(({ step }) => !self.has(step));
  if (wants === "named") return namedProvider(shape, name ?? "", member, market);
  if (spi.kind === "chain") {
    const message = `${member.key} asks for ${describeNeed(shape)}, but ${spi.id} is a chain, which is used as a whole.`;
    market.list.add("NEED_KIND", `${message} Ask for every(${spi.id}).`, member.path);
    return [];
  }
  if (all.length === 0 && wants === "default") reportUnmet(shape, member, market);
  return all.slice(0, 1);
}

function namedProvider(shape: NeedShape, name: string, member: Member, market: Market): readonly Provider[] {
  const { selection, serving, list } = market;
  const all = serving.get(shape.spi.id) ?? [];
  const members = selection.bySpi.get(shape.spi.id)?.members ?? [];
  const byName = members.findIndex((other) => other.name === name);
  const found = all.find(({ alias }) => alias === name) ?? all[byName];
  if (found) return [found];
  if (all.length === 0) reportUnmet(shape, member, market);
  else if (!selection.broken.has(shape.spi.id)) {
    const aliases = all.map(({ alias }) => alias);
    const message = `${member.key} needs ${shape.spi.id} "${name}", which is not selected.${suggestion(name, aliases)}`;
    list.add("NEED_UNMET", `${message} Add it under use: { ${shape.spi.id}: … }.`, member.path);
  }
  return [];
}

function reportUnmet({ spi, name }: NeedShape, { key, path }: Member, { selection, list }: Market): void {
  if (selection.broken.has(spi.id)) return;
  const wanted = name === undefined ? spi.id : `${spi.id} "${name}"`;
  const message = `${key} needs ${wanted}, but no plugin of ${spi.id} is selected.`;
  const known = selection.installed(spi.id);
  const choice = known.length > 0 ? `Select one (${known.join(", ")})` : "Install and select one";
  list.add("NEED_UNMET", `${message} ${choice}: use: { ${spi.id}: … }.`, path);
}
