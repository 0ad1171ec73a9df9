import type { Clock } from "../core/ports.ts";
import type { Instance } from "./instance.ts";
import { byWeight, type WeightOptions } from "./weights.ts";

/** The candidates that take part in a draw, as a balancer knows them, and their weights. */
export interface WeightedField<N> {
  readonly nodes: readonly N[];
  readonly weights: Float64Array;
}

/**
 * Keeps the field of each list of candidates: those of weight 0 stand aside, unless there are no others; then all weigh 1.
 * @param make what the balancer knows of an instance, made once per instance
 */
export function weightedField<N>(
  options: WeightOptions,
  clock: Clock,
  make: (instance: Instance) => N,
): (candidates: readonly Instance[]) => WeightedField<N> {
  const known = new WeakMap<Instance, N>();

  function nodeOf(instance: Instance): N {
    const node = known.get(instance) ?? make(instance);
    known.set(instance, node);
    return node;
  }

  return byWeight(options, clock, (candidates, weights) => {
    const all = candidates.map((instance, i) => ({ instance, weight: weights[i] as number }));
    const part = all.some(({ weight }) => weight > 0) ? all.filter(({ weight }) => weight > 0) : all;
    return {
      nodes: part.map(({ instance }) => nodeOf(instance)),
      weights: Float64Array.from(part, ({ weight }) => weight || 1),
    };
  });
}
