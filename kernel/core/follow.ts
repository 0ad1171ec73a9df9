import type { Problem } from "./config.ts";
import { withDeadline } from "./deadline.ts";
import { KernelError, reasonOf } from "./errors.ts";
import type { Plan, Step } from "./plan.ts";
import type { Following } from "./plugin.ts";
import { stepProblem, type Unit, type World } from "./unit.ts";
import type { Lookup } from "./wiring.ts";

/** A plugin that goes along with a change, and how. */
export interface Follower {
  readonly step: Step;
  readonly following: Following;
}

export interface Followed {
  readonly followers: readonly Follower[];
  readonly failure: { readonly step: Step; readonly error: KernelError } | undefined;
}

/** Asks the plugins that stay, in start order, to go along with a change. Ends at the first that cannot. */
export async function followAll(
  kept: ReadonlyMap<string, Unit>,
  plan: Plan,
  lookup: Lookup,
  world: World,
): Promise<Followed> {
  const followers: Follower[] = [];
  for (const step of plan.steps.values()) {
    const unit = kept.get(step.id);
    if (!unit?.running.follow) continue;
    try {
      const following = await follow(unit, step, lookup, world);
      if (following) followers.push({ step, following });
    } catch (cause) {
      const reason = `${step.id} cannot go along with the change: ${reasonOf(cause)}`;
      return { followers, failure: { step, error: new KernelError("FOLLOW_FAILED", reason, { cause }) } };
    }
  }
  return { followers, failure: undefined };
}

async function follow(unit: Unit, step: Step, lookup: Lookup, world: World): Promise<Following | undefined> {
  const { timers } = world.ports;
  const ms = world.startTimeoutMs;
  const work = (async () => unit.running.follow?.(unit.wiring.preview(step, lookup)))();
  try {
    return await withDeadline(timers, { ms, late: () => new Error(`no answer within ${ms} ms`) }, work);
  } catch (error) {
    work.then(
      (late) => late && undoAll([{ step, following: late }], world),
      () => undefined, // it failed, which is what is reported
    );
    throw error;
  }
}

/** Takes back what plugins did to go along, the last first. Goes on when one fails. */
export async function undoAll(followers: readonly Follower[], world: World): Promise<void> {
  const ms = world.stopTimeoutMs;
  for (const { step, following } of followers.toReversed()) {
    const late = () => new Error(`no end within ${ms} ms`);
    try {
      await withDeadline(world.ports.timers, { ms, late }, (async () => following.undo?.())());
    } catch (error) {
      world.log.error(`${step.id} could not take back a change that was given up: ${reasonOf(error)}`);
    }
  }
}

/** Tells followers that the flip is done. Once `drained` is resolved each has the time of a stop to finish. Never rejects. */
export async function flippedAll(
  followers: readonly Follower[],
  drained: Promise<void>,
  world: World,
): Promise<Problem[]> {
  const ends = followers.map(({ step, following }) => flipped(step, following, drained, world));
  return (await Promise.all(ends)).flat();
}

async function flipped(step: Step, following: Following, drained: Promise<void>, world: World): Promise<Problem[]> {
  const ms = world.stopTimeoutMs;
  const late = () => new Error(`no end within ${ms} ms after the last old work`);
  try {
    const work = (async () => following.flipped?.(drained))();
    work.catch(() => undefined); // it is awaited below
    await drained;
    await withDeadline(world.ports.timers, { ms, late }, work);
    return [];
  } catch (error) {
    const message = `${step.id} failed after the flip: ${reasonOf(error)}`;
    world.log.error(message, { plugin: step.key });
    return [stepProblem(step, "FOLLOW_FAILED", message)];
  }
}
