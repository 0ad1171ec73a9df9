import { changedSpis } from "./changed-spis.ts";
import { KernelError, reasonOf } from "./errors.ts";
import { type Generations, generations } from "./generations.ts";
import type { Generation, Log } from "./plugin.ts";
import { lookupIn } from "./run-steps.ts";
import type { Spi } from "./spi.ts";
import type { System } from "./transition.ts";

export type FlipListener = (generation: Generation) => void;

/** The system that serves now, and the moment it gives way to the next. */
export interface LiveSystem {
  readonly now: () => System;
  readonly generation: () => Generation;
  /** Lets a system serve: nothing in here waits. Resolves when nobody uses an older one any more. */
  readonly flip: (next: System) => Promise<void>;
  /** Takes over a plan that changes nothing but where things are written. */
  readonly adopt: (next: System) => void;
  /** What serves an SPI, by alias. Throws a KernelError NOT_RUNNING, or KERNEL_STOPPED after `close`. */
  readonly every: <T>(spi: Spi<T>) => ReadonlyMap<string, T>;
  readonly onFlip: (listener: FlipListener) => () => void;
  /** Answers nobody from now on. */
  readonly close: () => void;
  /** Forgets what served; it is stopped. */
  readonly end: () => void;
}

const nothing: System = {
  plan: { config: { use: {}, options: {} }, steps: new Map(), serving: new Map() },
  units: new Map(),
};

/** Starts with generation 0, in which nothing serves. */
export function liveSystem(log: Log): LiveSystem {
  const leases: Generations = generations();
  const listeners = new Set<FlipListener>();
  let system = nothing;
  let closed = false;

  function adopt(next: System): void {
    const lookup = lookupIn(next.units);
    for (const [id, unit] of next.units) {
      unit.step = next.plan.steps.get(id) ?? unit.step;
      unit.wiring.link(unit.step, lookup);
    }
    system = next;
  }

  return {
    now: () => system,
    generation: leases.current,
    adopt,
    flip(next) {
      const changed = changedSpis(system, next);
      adopt(next);
      const left = leases.advance(changed);
      for (const listener of listeners) tell(listener, leases.current(), log);
      return left;
    },
    every<T>(spi: Spi<T>) {
      if (closed) throw new KernelError("KERNEL_STOPPED", `${spi.id} was asked for.`);
      const lookup = lookupIn(system.units);
      const serving = system.plan.serving.get(spi.id) ?? [];
      return new Map(serving.map(({ alias, step }) => [alias, lookup(step) as T])); // the plan matched plugin and SPI
    },
    onFlip(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      closed = true;
    },
    end() {
      leases.end();
      system = nothing;
    },
  };
}

function tell(listener: FlipListener, generation: Generation, log: Log): void {
  try {
    listener(generation);
  } catch (error) {
    log.error(`a listener failed after the flip: ${reasonOf(error)}`);
  }
}
