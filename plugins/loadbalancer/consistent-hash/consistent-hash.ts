import { definePlugin, loadBalancer } from "@mortise/kernel";
import { z } from "zod";
import { consistentHashBalancer } from "./consistent-hash-balancer.ts";
import { hashPolicy } from "./hash-key.ts";

const options = z.strictObject({
  nodes: z.int().min(1).max(10_000).default(160).describe("Points on the ring of an instance of weight 100."),
  warmupMs: z
    .number()
    .nonnegative()
    .default(600_000)
    .describe("How long a new instance takes to get its full share, in milliseconds; 0: at once."),
});

export const consistentHash = definePlugin({
  spi: loadBalancer,
  name: "consistent-hash",
  description: "Sends calls with the same key to the same instance",
  options,
  policy: hashPolicy.schemas,
  setup: ({ options, ports }) => ({ api: consistentHashBalancer(options, ports) }),
});
