import { definePlugin, type Instance, type LoadBalancer, loadBalancer, type Ports } from "@mortise/kernel";
import { byWeight } from "@mortise/kernel/spi/weights";
import { z } from "zod";
import { rotation } from "./rotation.ts";

const options = z.strictObject({
  warmupMs: z
    .number()
    .nonnegative()
    .default(600_000)
    .describe("How long a new instance takes to get its full share, in milliseconds; 0: at once."),
});

export type RoundRobinOptions = z.output<typeof options>;

/**
 * Picks in turn, each as often as its weight says and as evenly spread as can be: nginx's and Dubbo's smooth weighted
 * round robin. Every method of every client begins at a random place, so that many clients that start together do not
 * all turn to the same instance.
 */
export function roundRobinBalancer(
  given: RoundRobinOptions,
  { clock, random }: Pick<Ports, "clock" | "random">,
): LoadBalancer {
  return {
    picker() {
      const turnOf = byWeight(given, clock, (candidates, weights) => {
        const picks = candidates.map((instance) => ({ instance, done: () => undefined }));
        return rotation(picks, weights, Math.floor(random() * picks.length));
      });
      return { pick: (candidates: readonly Instance[]) => turnOf(candidates)() };
    },
  };
}

export const roundRobin = definePlugin({
  spi: loadBalancer,
  name: "round-robin",
  description: "Picks in turn, spread evenly and in proportion to weight",
  options,
  setup: ({ options, ports }) => ({ api: roundRobinBalancer(options, ports) }),
});
