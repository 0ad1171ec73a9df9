import { definePlugin, loadBalancer } from "@mortise/kernel";
import { z } from "zod";
import { shortestResponseBalancer } from "./shortest-response-balancer.ts";

const options = z.strictObject({
  slideMs: z
    .number()
    .positive()
    .default(30_000)
    .describe("How long response times are averaged before everything is measured anew, in milliseconds."),
  warmupMs: z
    .number()
    .nonnegative()
    .default(600_000)
    .describe("How long a new instance takes to get its full share, in milliseconds; 0: at once."),
});

export const shortestResponse = definePlugin({
  spi: loadBalancer,
  name: "shortest-response",
  description: "Picks the instance that is expected to answer first",
  options,
  setup: ({ options, ports }) => ({ api: shortestResponseBalancer(options, ports) }),
});
