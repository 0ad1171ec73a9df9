import { isDeepStrictEqual } from "node:util";
import { dependents } from "./order.ts";
import type { Plan, Step } from "./plan.ts";

/** What must happen to get from what runs to a plan. All lists hold step ids; `start` is in start order. */
export interface Changes {
  readonly keep: ReadonlySet<string>;
  readonly start: readonly string[];
  /** Running steps that end: those the plan lacks and those that are started anew. */
  readonly end: readonly string[];
  /** Steps of `end` that stop before the flip: exclusive ones that have a successor, and all that stand on them. */
  readonly endFirst: ReadonlySet<string>;
  /** Steps of `start` that are started after `endFirst` has stopped: the successors, and all that wait for them. */
  readonly startLast: ReadonlySet<string>;
}

/**
 * Compares what runs with a plan. A step is kept if its plugin, its options and everything behind its plain needs stay the
 * same; what its live needs point at may change. The successors of an exclusive plugin are all new steps of its SPI.
 */
export function diff(running: ReadonlyMap<string, Step>, plan: Plan): Changes {
  const keep = new Set<string>();
  for (const step of plan.steps.values()) if (stays(running.get(step.id), step, keep)) keep.add(step.id);
  const start = [...plan.steps.keys()].filter((id) => !keep.has(id));
  const end = [...running.keys()].filter((id) => !keep.has(id));
  const spiOf = (steps: ReadonlyMap<string, Step>, id: string) => steps.get(id)?.plugin.spi.id;
  const starting = new Set(start.map((id) => spiOf(plan.steps, id)));
  const replaced = end.filter((id) => running.get(id)?.exclusive && starting.has(spiOf(running, id)));
  const standing = new Map([...running].map(([id, step]) => [id, standsOn(step)]));
  const endFirst = dependents(replaced, standing);
  const cleared = new Set([...endFirst].filter((id) => running.get(id)?.exclusive).map((id) => spiOf(running, id)));
  const successors = start.filter((id) => cleared.has(spiOf(plan.steps, id)));
  const waiting = new Map(start.map((id) => [id, plan.steps.get(id)?.waitsFor ?? []]));
  return { keep, start, end, endFirst, startLast: dependents(successors, waiting) };
}

function stays(old: Step | undefined, step: Step, kept: ReadonlySet<string>): boolean {
  return (
    old !== undefined &&
    old.plugin === step.plugin &&
    isDeepStrictEqual(old.options, step.options) &&
    standsOn(step).every((id) => kept.has(id)) &&
    isDeepStrictEqual(plainProviders(old), plainProviders(step))
  );
}

/** The steps behind its plain needs, and for a wrapper the one behind it. */
function standsOn(step: Step): string[] {
  const needs = plainProviders(step).flatMap(([, providers]) => providers.map((provider) => provider.step));
  return step.inner ? [step.inner.step, ...needs] : needs;
}

function plainProviders({ needs }: Step) {
  return Object.entries(needs)
    .filter(([, { shape }]) => !shape.live)
    .map(([local, { providers }]) => [local, providers] as const);
}
