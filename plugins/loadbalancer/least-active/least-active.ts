import { definePlugin, loadBalancer } from "@mortise/kernel";
import { z } from "zod";
import { leastActiveBalancer } from "./least-active-balancer.ts";

const options = z.strictObject({
  warmupMs: z
    .number()
    .nonnegative()
    .default(600_000)
    .describe("How long a new instance takes to get its full share, in milliseconds; 0: at once."),
});

export const leastActive = definePlugin({
  spi: loadBalancer,
  name: "least-active",
  description: "Picks the instance with the fewest calls under way",
  options,
  setup: ({ options, ports }) => ({ api: leastActiveBalancer(options, ports) }),
});
