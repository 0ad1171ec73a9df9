import { isDeepStrictEqual } from "node:util";
import type { Problem } from "./config.ts";
import { type Changes, diff } from "./diff.ts";
import { KernelError } from "./errors.ts";
import type { LiveSystem } from "./live-system.ts";
import type { Plan } from "./plan.ts";
import type { Retirement } from "./retire.ts";
import type { StartFailure } from "./run-steps.ts";
import { type Transition, transition } from "./transition.ts";
import { stepProblem, type World } from "./unit.ts";

/** What a change was, or why there is none. */
export type Changed = { readonly changes: ChangeReport } | { readonly error: KernelError };

export interface ChangeReport {
  /** Id of the generation that serves now. */
  readonly generation: number;
  /** Ids of plugins that were started, that stayed, and that end. */
  readonly started: readonly string[];
  readonly kept: readonly string[];
  readonly ended: readonly string[];
  /** Resolves when what ends is stopped. Never rejects. */
  readonly settled: Promise<Settled>;
}

export interface Settled {
  /** What went wrong while plugins were stopped. */
  readonly problems: readonly Problem[];
}

/** Everything a change works on. */
export interface Ground {
  readonly live: LiveSystem;
  readonly retiring: Retirement;
  readonly world: World;
  /** Aborted when no change is wanted any more. */
  readonly giveUp: AbortSignal;
}

/** Brings the system to a plan: starts what is new, flips, leaves what is gone to end behind it. */
export async function changeTo(plan: Plan, ground: Ground): Promise<Changed> {
  const { live, retiring, world, giveUp } = ground;
  const before = live.now();
  const changes = diff(new Map([...before.units].map(([id, { step }]) => [id, step])), plan);
  if (isSame(changes, before.plan, plan)) return { changes: unchanged(plan, changes, ground) };
  if (mustWait(changes, plan, retiring)) await retiring.done();
  return finish(await transition(before, plan, changes, world, giveUp), changes, ground);
}

function isSame({ start, end }: Changes, before: Plan, after: Plan): boolean {
  return start.length === 0 && end.length === 0 && isDeepStrictEqual(before.serving, after.serving);
}

function unchanged(plan: Plan, { keep }: Changes, { live, retiring }: Ground): ChangeReport {
  live.adopt({ plan, units: live.now().units });
  const settled = retiring.done().then(() => ({ problems: [] }));
  return { generation: live.generation().id, started: [], kept: [...keep], ended: [], settled };
}

/** Whether something that only one can hold is still held by a plugin of an older generation, or used by one. */
function mustWait({ endFirst, start }: Changes, { steps }: Plan, retiring: Retirement): boolean {
  const spis = new Set(start.map((id) => steps.get(id)?.plugin.spi.id));
  const held = retiring.waiting().some(({ step }) => step.exclusive && spis.has(step.plugin.spi.id));
  return held || endFirst.size > 0;
}

function finish(done: Transition, { start, keep, end }: Changes, { live, retiring }: Ground): Changed {
  const { failures, gone, followers, problems } = done;
  const left = done.changed ? live.flip(done.system) : Promise.resolve();
  const retired = retiring.retire(gone, left, followers);
  if (failures.length > 0) return { error: failed(failures, problems) };
  const settled = retired.then((later) => ({ problems: [...problems, ...later] }));
  return { changes: { generation: live.generation().id, started: start, kept: [...keep], ended: end, settled } };
}

/** One error for everything that failed: the first failure leads, those it brought about are left out. */
function failed(failures: readonly StartFailure[], others: readonly Problem[]): KernelError {
  const own = failures.filter(({ error }) => error.code !== "START_GIVEN_UP");
  const shown = own.length > 0 ? own : failures;
  const problems = shown.map(({ step, error: { code, subject } }) => stepProblem(step, code, subject));
  const { error } = shown[0] as StartFailure;
  return new KernelError(error.code, error.subject, { cause: error.cause, problems: [...problems, ...others] });
}
