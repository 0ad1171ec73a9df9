import type { Instance, LoadBalancer, Picked, Ports } from "@mortise/kernel";
import { byWeight, type WeightOptions } from "@mortise/kernel/spi/weights";
import { hashKeyOf } from "./hash-key.ts";
import { type HashRing, hashRing } from "./hash-ring.ts";

export interface ConsistentHashOptions extends WeightOptions {
  readonly nodes: number;
}

/** The weight that gets `nodes` points (the default weight of an instance). */
const fullWeight = 100;

interface Circle {
  readonly picks: readonly Picked[];
  readonly counts: readonly number[];
  readonly ring: HashRing;
}

/** Sends calls with the same key to the same instance while the instances stay the same. Calls without a key go anywhere. */
export function consistentHashBalancer(
  { nodes, warmupMs }: ConsistentHashOptions,
  { clock, random }: Pick<Ports, "clock" | "random">,
): LoadBalancer {
  const circles = new WeakMap<readonly Instance[], Circle>();
  const circleOf = byWeight({ warmupMs }, clock, (candidates, weights) => {
    const counts = pointsOf(weights, nodes);
    const known = circles.get(candidates);
    if (known && counts.every((count, i) => count === known.counts[i])) return known;
    const picks = candidates.map((instance) => ({ instance, done: () => undefined }));
    const circle = { picks, counts, ring: hashRing(candidates, counts) };
    circles.set(candidates, circle);
    return circle;
  });

  return {
    picker(site) {
      const keyOf = hashKeyOf(site);
      return {
        pick(candidates, call) {
          const { picks, ring } = circleOf(candidates);
          return picks[ring.at(keyOf ? keyOf(call) : random() * 2 ** 32)] as Picked;
        },
      };
    },
  };
}

/** Points in proportion to weight, at least one; none for weight 0 unless all have that. */
function pointsOf(weights: Float64Array, nodes: number): number[] {
  if (weights.every((weight) => weight === 0)) return Array.from(weights, () => nodes);
  return Array.from(weights, (weight) => (weight === 0 ? 0 : Math.max(1, Math.round((nodes * weight) / fullWeight))));
}
