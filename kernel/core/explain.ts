import type { PluginSource } from "./catalogue.ts";
import type { ConfigPath, CoreConfig, Location } from "./config.ts";
import { describeNeed } from "./need-shape.ts";
import type { Step } from "./plan.ts";
import { locationOf } from "./problems.ts";
import { redacted } from "./redact.ts";
import type { Why } from "./select-spi.ts";
import type { System } from "./transition.ts";
import type { Unit } from "./unit.ts";

/** What runs, and why it is so. */
export interface Explanation {
  readonly generation: number;
  /** In start order. */
  readonly plugins: readonly ExplainedPlugin[];
}

export interface ExplainedPlugin {
  /** The plugin's key; for a wrapper followed by what it wraps. */
  readonly id: string;
  readonly key: string;
  readonly alias: string;
  readonly spi: string;
  readonly description: string;
  readonly source: PluginSource;
  /** The module, as a path or package name. */
  readonly from: string;
  readonly selected: ExplainedSelection;
  readonly needs: readonly ExplainedNeed[];
  readonly options: readonly ExplainedOption[];
  readonly exclusive: boolean;
  /** Only false after an exclusive plugin could not be started again. */
  readonly running: boolean;
  /** How long its start took, and the generation it was started for; undefined if it does not run. */
  readonly startMs: number | undefined;
  readonly since: number | undefined;
}

/** Why a plugin is there, with the line of the configuration it goes back to. */
export interface ExplainedSelection {
  readonly why: Why;
  readonly path: ConfigPath;
  readonly location: Location | undefined;
}

export interface ExplainedNeed {
  readonly name: string;
  /** As it was asked: `live(every(filter))`. */
  readonly asked: string;
  readonly live: boolean;
  /** Ids of the plugins it was given. */
  readonly given: readonly string[];
}

export interface ExplainedOption {
  readonly name: string;
  /** Passwords and the like are hidden. */
  readonly value: unknown;
  /** `default`, or where it was written; undefined if nobody knows. */
  readonly from: "default" | Location | undefined;
}

/** Describes a running system as plain data, without secrets. */
export function explainSystem({ plan, units }: System, generation: number): Explanation {
  const plugins = [...plan.steps.values()].map((step) => explainStep(step, units.get(step.id), plan.config));
  return { generation, plugins };
}

function explainStep(step: Step, unit: Unit | undefined, config: CoreConfig): ExplainedPlugin {
  const { id, key, alias, plugin, entry, exclusive } = step;
  return {
    id,
    key,
    alias,
    spi: plugin.spi.id,
    description: plugin.description,
    source: entry.source,
    from: entry.from,
    selected: { why: step.why, path: step.path, location: step.location },
    needs: explainNeeds(step),
    options: explainOptions(step, config),
    exclusive,
    running: unit !== undefined,
    startMs: unit?.startMs,
    since: unit?.since,
  };
}

function explainNeeds({ needs, inner }: Step): ExplainedNeed[] {
  const wrapped = inner ? [{ name: "inner", asked: "wraps", live: false, given: [inner.step] }] : [];
  const asked = Object.entries(needs).map(([name, { shape, providers }]) => {
    return { name, asked: describeNeed(shape), live: shape.live, given: providers.map(({ step }) => step) };
  });
  return [...wrapped, ...asked];
}

function explainOptions({ options, key, plugin }: Step, { options: raw, locate }: CoreConfig): ExplainedOption[] {
  if (typeof options !== "object" || options === null) return [];
  const given = raw[key];
  return Object.entries(options).map(([name, value]) => {
    const written = typeof given === "object" && given !== null && Object.hasOwn(given, name);
    const from = written ? locationOf(locate, ["options", key, name]) : "default";
    return { name, value: redacted(name, value, plugin.sensitive), from };
  });
}
