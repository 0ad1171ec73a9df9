import { definePlugin, loadBalancer } from "@mortise/kernel";
import { z } from "zod";
import { adaptiveBalancer } from "./adaptive-balancer.ts";

const options = z.strictObject({
  warmupMs: z
    .number()
    .nonnegative()
    .default(600_000)
    .describe("How long a new instance takes to get its full share, in milliseconds; 0: at once."),
});

export const adaptive = definePlugin({
  spi: loadBalancer,
  name: "adaptive",
  description: "Picks the less loaded of two instances drawn at random, by what the instances report of themselves",
  options,
  setup: ({ options, ports }) => ({ api: adaptiveBalancer(options, ports) }),
});
