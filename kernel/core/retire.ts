import type { Problem } from "./config.ts";
import { withDeadline } from "./deadline.ts";
import { type Follower, flippedAll } from "./follow.ts";
import { stopUnits } from "./run-steps.ts";
import type { Unit, World } from "./unit.ts";

/** Lets old plugins end in peace, one change after the other. */
export interface Retirement {
  /**
   * Call right after a flip: tells the followers, waits until `left` resolves (at most for the drain deadline) and for the
   * followers, then stops the units. Never rejects: what went wrong is returned.
   */
  retire(gone: readonly Unit[], left: Promise<void>, followers: readonly Follower[]): Promise<readonly Problem[]>;
  /** Units that are not stopped yet. */
  waiting(): readonly Unit[];
  /** Resolves when all are stopped. */
  done(): Promise<void>;
  /** Waits for nobody's work any more. */
  hurry(): void;
}

export function retirement(world: World): Retirement {
  const waiting = new Set<Unit>();
  const rush = Promise.withResolvers<void>();
  let last: Promise<unknown> = Promise.resolve();
  return {
    retire(gone, left, followers) {
      for (const unit of gone) waiting.add(unit);
      const idle = gone.length === 0 && followers.length === 0;
      const drain = idle ? Promise.resolve([]) : drainOf(gone, Promise.race([left, rush.promise]), world);
      const flipped = flippedAll(
        followers,
        drain.then(() => undefined),
        world,
      );
      const before = last;
      const work = (async () => {
        const problems = [...(await drain), ...(await flipped)];
        await before; // older plugins may still use these
        problems.push(...(await stopUnits(gone, world)));
        for (const unit of gone) waiting.delete(unit);
        return problems;
      })();
      last = work;
      return work;
    },
    waiting: () => [...waiting],
    done: () => last.then(() => undefined),
    hurry: () => rush.resolve(),
  };
}

async function drainOf(gone: readonly Unit[], left: Promise<void>, world: World): Promise<Problem[]> {
  const ms = world.drainTimeoutMs;
  const names = gone.map(({ step }) => step.id).join(", ") || "nothing";
  const message = `work of older generations was still under way after ${ms} ms; stopped all the same: ${names}.`;
  try {
    await withDeadline(world.ports.timers, { ms, late: () => new Error(message) }, left);
    return [];
  } catch {
    world.log.warn(message);
    return [{ code: "DRAIN_TIMEOUT", message, path: [] }];
  }
}
