import { definePlugin, type Instance, type LoadBalancer, loadBalancer, type Picked, type Ports } from "@mortise/kernel";
import { byWeight } from "@mortise/kernel/spi/weights";
import { z } from "zod";

const options = z.strictObject({
  warmupMs: z
    .number()
    .nonnegative()
    .default(600_000)
    .describe("How long a new instance takes to get its full share, in milliseconds; 0: at once."),
});

export type RandomOptions = z.output<typeof options>;

/** The picks of one list of candidates, and where each one's part of the line from 0 to `total` ends. */
interface Line {
  readonly picks: readonly Picked[];
  readonly ends: Float64Array;
  readonly total: number;
  readonly equal: boolean;
}

/**
 * Picks at random in proportion to weight (Dubbo's `random`: a uniform draw where all weigh the same or nothing, else
 * a draw on the line of prefix sums, found by bisection).
 */
export function randomBalancer(given: RandomOptions, { clock, random }: Pick<Ports, "clock" | "random">): LoadBalancer {
  const lineOf = byWeight(given, clock, layOut);
  const picker = { pick: (candidates: readonly Instance[]) => draw(lineOf(candidates), random()) };
  return { picker: () => picker };
}

export const random = definePlugin({
  spi: loadBalancer,
  name: "random",
  description: "Picks at random, in proportion to weight",
  options,
  setup: ({ options, ports }) => ({ api: randomBalancer(options, ports) }),
});

function layOut(candidates: readonly Instance[], weights: Float64Array): Line {
  const ends = new Float64Array(weights.length);
  let total = 0;
  for (const [i, weight] of weights.entries()) ends[i] = total += weight;
  const equal = total === 0 || weights.every((weight) => weight === weights[0]);
  return { picks: candidates.map((instance) => ({ instance, done: () => undefined })), ends, total, equal };
}

function draw({ picks, ends, total, equal }: Line, at: number): Picked {
  return picks[equal ? Math.floor(at * picks.length) : firstBeyond(ends, at * total)] as Picked;
}

/** The first part of the line that ends beyond `point`; the last one if rounding leaves none. */
function firstBeyond(ends: Float64Array, point: number): number {
  let low = 0;
  let high = ends.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ends[middle] as number) > point) high = middle;
    else low = middle + 1;
  }
  return low;
}
