import type { Problem } from "./config.ts";
import { KernelError } from "./errors.ts";
import type { Step } from "./plan.ts";
import { startUnit, stopUnit, type Unit, type World } from "./unit.ts";
import type { Lookup } from "./wiring.ts";

export interface StartOptions {
  /** What already runs. */
  readonly running: ReadonlyMap<string, Unit>;
  readonly giveUp: AbortSignal;
  /** Whether a failure ends only what waits for it (for a rollback, which saves what can be saved). Default: it ends all. */
  readonly goOn?: boolean;
}

export interface Started {
  readonly units: ReadonlyMap<string, Unit>;
  readonly failures: readonly StartFailure[];
}

export interface StartFailure {
  readonly step: Step;
  readonly error: KernelError;
}

/**
 * Starts steps, given in start order, each as soon as all it waits for runs. When one fails, no other is begun, those under
 * way are given up and waited for; the result then lists what must be stopped again.
 */
export async function startSteps(steps: readonly Step[], options: StartOptions, world: World): Promise<Started> {
  const units = new Map<string, Unit>();
  const failures: StartFailure[] = [];
  const halt = new AbortController();
  const giveUp = AbortSignal.any([halt.signal, options.giveUp]);
  const lookup = lookupIn(units, options.running);
  const runs = new Map<string, Promise<boolean>>();
  const run = async (step: Step): Promise<boolean> => {
    const waits = await Promise.all(step.waitsFor.flatMap((id) => runs.get(id) ?? []));
    if (giveUp.aborted || waits.includes(false)) return false;
    try {
      units.set(step.id, await startUnit(step, lookup, world, giveUp));
      return true;
    } catch (error) {
      failures.push({ step, error: error as KernelError }); // startUnit throws nothing else
      if (!options.goOn) halt.abort(error);
      return false;
    }
  };
  for (const step of steps) runs.set(step.id, run(step));
  await Promise.all(runs.values());
  return { units, failures };
}

/** Finds the api of a step in the first map that has it. */
export function lookupIn(...maps: readonly ReadonlyMap<string, Unit>[]): Lookup {
  return (id) => {
    for (const units of maps) {
      const unit = units.get(id);
      if (unit) return unit.running.api;
    }
    throw new KernelError("NOT_RUNNING", `${id} does not run.`);
  };
}

/** Stops units, each after all that wait for it. Goes on when one fails; everything that went wrong is returned. */
export async function stopUnits(units: Iterable<Unit>, world: World): Promise<readonly Problem[]> {
  const all = new Map([...units].map((unit) => [unit.step.id, unit]));
  const askers = new Map<string, string[]>();
  for (const { step } of all.values()) {
    for (const id of step.waitsFor) askers.set(id, [...(askers.get(id) ?? []), step.id]);
  }
  const stops = new Map<string, Promise<Problem[]>>();
  const stop = (unit: Unit): Promise<Problem[]> => {
    const before = stops.get(unit.step.id);
    if (before) return before;
    const first = (askers.get(unit.step.id) ?? []).map((id) => stop(all.get(id) as Unit));
    const stopped = Promise.all(first).then(() => stopUnit(unit, world));
    stops.set(unit.step.id, stopped);
    return stopped;
  };
  return (await Promise.all([...all.values()].map(stop))).flat();
}
