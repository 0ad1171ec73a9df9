import type { Problem } from "./config.ts";
import type { Changes } from "./diff.ts";
import { type Follower, followAll, undoAll } from "./follow.ts";
import type { Plan, Step } from "./plan.ts";
import { lookupIn, type StartFailure, startSteps, stopUnits } from "./run-steps.ts";
import type { Unit, World } from "./unit.ts";

/** What runs. */
export interface System {
  readonly plan: Plan;
  readonly units: ReadonlyMap<string, Unit>;
}

/** A system that is ready to serve, or the one to go on with. */
export interface Transition {
  readonly system: System;
  /** Units that run and are not part of it. */
  readonly gone: readonly Unit[];
  /** Plugins to be told of the flip. */
  readonly followers: readonly Follower[];
  /** Why the change was given up; empty if it was not. */
  readonly failures: readonly StartFailure[];
  /** Whether the system differs from the one before. */
  readonly changed: boolean;
  /** What went wrong beside: exclusive plugins that stopped badly or did not come back. */
  readonly problems: readonly Problem[];
}

/**
 * Starts what a plan adds and asks what stays to go along, so that only the flip is missing. If anything fails, all of that is
 * taken back, and exclusive plugins that had to stop first are started again.
 */
export async function transition(
  before: System,
  plan: Plan,
  changes: Changes,
  world: World,
  giveUp: AbortSignal,
): Promise<Transition> {
  const kept = among(before.units, (id) => changes.keep.has(id));
  const stepsOf = (last: boolean) => stepsAmong(plan, changes.start, (id) => changes.startLast.has(id) === last);

  const first = await startSteps(stepsOf(false), { running: kept, giveUp }, world);
  const units = new Map([...kept, ...first.units]);
  if (first.failures.length > 0) return takeBack({ before, units, kept, failures: first.failures }, world, giveUp);

  const ended = among(before.units, (id) => changes.endFirst.has(id));
  const problems = await stopUnits(ended.values(), world);
  const last = await startSteps(stepsOf(true), { running: units, giveUp }, world);
  for (const [id, unit] of last.units) units.set(id, unit);
  const soFar = { before, units, kept, ended, problems };
  if (last.failures.length > 0) return takeBack({ ...soFar, failures: last.failures }, world, giveUp);

  const { followers, failure } = await followAll(kept, plan, lookupIn(units), world);
  if (failure) return takeBack({ ...soFar, failures: [failure], followers }, world, giveUp);
  const gone = [...before.units.values()].filter(({ step: { id } }) => !changes.keep.has(id) && !ended.has(id));
  return { system: { plan, units }, gone, followers, failures: [], changed: true, problems };
}

interface Attempt {
  readonly before: System;
  /** All that would have run. */
  readonly units: ReadonlyMap<string, Unit>;
  readonly kept: ReadonlyMap<string, Unit>;
  readonly failures: readonly StartFailure[];
  /** Units of the system before that are stopped already. */
  readonly ended?: ReadonlyMap<string, Unit>;
  readonly followers?: readonly Follower[];
  readonly problems?: readonly Problem[];
}

async function takeBack(attempt: Attempt, world: World, giveUp: AbortSignal): Promise<Transition> {
  const { before, units, kept, failures, ended = new Map(), followers = [], problems = [] } = attempt;
  await undoAll(followers, world);
  const fresh = among(units, (id) => !kept.has(id));
  const stopped = await stopUnits(fresh.values(), world);
  const result = { gone: [], failures, problems: [...problems, ...stopped] };
  if (ended.size === 0) return { ...result, system: before, followers: [], changed: false };
  return restore(before, ended, result, world, giveUp);
}

/** Starts again what had to stop for its successor. What does not start is lacking from then on. */
async function restore(
  { plan, units }: System,
  ended: ReadonlyMap<string, Unit>,
  result: Pick<Transition, "gone" | "failures" | "problems">,
  world: World,
  giveUp: AbortSignal,
): Promise<Transition> {
  const left = among(units, (id) => !ended.has(id));
  const steps = stepsAmong(plan, [...plan.steps.keys()], (id) => ended.has(id));
  const again = await startSteps(steps, { running: left, giveUp, goOn: true }, world);
  const restored = new Map([...left, ...again.units]);
  const { followers, failure } = await followAll(left, plan, lookupIn(restored), world);
  const lost = [...again.failures, ...(failure ? [failure] : [])].map(({ step, error }): Problem => {
    const message = `after the change was given up: ${error.subject}`;
    return { code: "ROLLBACK_FAILED", message, path: step.path, location: step.location };
  });
  return {
    ...result,
    system: { plan, units: restored },
    followers,
    changed: true,
    problems: [...result.problems, ...lost],
  };
}

function among(units: ReadonlyMap<string, Unit>, fits: (id: string) => boolean): Map<string, Unit> {
  return new Map([...units].filter(([id]) => fits(id)));
}

function stepsAmong({ steps }: Plan, ids: readonly string[], fits: (id: string) => boolean): Step[] {
  return ids.filter(fits).flatMap((id) => steps.get(id) ?? []);
}
