import type { Clock } from "../core/ports.ts";
import type { Instance } from "./instance.ts";
import { effectiveWeight } from "./loadbalancer.ts";

/** What {@link byWeight} needs to know. */
export interface WeightOptions {
  /** How long an instance takes to get its full share, in milliseconds; 0: it has it at once. */
  readonly warmupMs: number;
}

interface Kept<T> {
  readonly value: T;
  /** Wall milliseconds at which the weights must be read again; Infinity once all are warm. */
  readonly until: number;
}

/** Warm-up proceeds in steps of this part of its length; in between, what was computed from the weights is kept. */
const warmupSteps = 1000;

/**
 * Keeps what a balancer computes from the effective weights of a list of candidates, for as long as it holds: for
 * ever when all are warm, else for a thousandth of the warm-up. Reading it then costs a comparison and allocates nothing.
 */
export function byWeight<T>(
  { warmupMs }: WeightOptions,
  clock: Clock,
  compute: (candidates: readonly Instance[], weights: Float64Array) => T,
): (candidates: readonly Instance[]) => T {
  const all = new WeakMap<readonly Instance[], Kept<T>>();
  let lastCandidates: readonly Instance[] | undefined;
  let last: Kept<T> | undefined;

  function refresh(candidates: readonly Instance[]): Kept<T> {
    const now = clock.wall();
    const known = all.get(candidates);
    if (known && now < known.until) return known;
    const weights = Float64Array.from(candidates, (instance) => effectiveWeight(instance, now, warmupMs));
    const until = candidates.some((instance) => isWarming(instance, now, warmupMs))
      ? now + Math.max(1, warmupMs / warmupSteps)
      : Number.POSITIVE_INFINITY;
    const kept = { value: compute(candidates, weights), until };
    all.set(candidates, kept);
    return kept;
  }

  return (candidates) => {
    if (
      last === undefined ||
      candidates !== lastCandidates ||
      (last.until !== Number.POSITIVE_INFINITY && clock.wall() >= last.until)
    ) {
      last = refresh(candidates);
      lastCandidates = candidates;
    }
    return last.value;
  };
}

function isWarming({ weight, startedAt }: Instance, now: number, warmupMs: number): boolean {
  return weight > 0 && startedAt > 0 && warmupMs > 0 && now - startedAt < warmupMs;
}
