import { definePlugin, loadBalancer } from "@mortise/kernel";
import { z } from "zod";
import { p2cBalancer } from "./p2c-balancer.ts";

const options = z.strictObject({
  warmupMs: z
    .number()
    .nonnegative()
    .default(600_000)
    .describe("How long a new instance takes to get its full share, in milliseconds; 0: at once."),
  decayMs: z
    .number()
    .positive()
    .default(10_000)
    .describe("Time in which what is known of an instance loses two thirds of its weight, in milliseconds."),
  forceAfterMs: z
    .number()
    .positive()
    .default(1000)
    .describe("An instance that has not been picked for so long is picked when it is drawn next, in milliseconds."),
});

export const p2c = definePlugin({
  spi: loadBalancer,
  name: "p2c",
  description: "Picks the less loaded of two instances drawn at random, by delay and calls under way",
  options,
  setup: ({ options, ports }) => ({ api: p2cBalancer(options, ports) }),
});
