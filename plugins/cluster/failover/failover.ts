import { cluster, definePlugin } from "@mortise/kernel";
import { z } from "zod";
import { failoverCluster, failoverPolicy } from "./failover-cluster.ts";

const options = z.strictObject({
  backoffMs: z
    .number()
    .nonnegative()
    .default(10)
    .describe("Longest wait before the first retry, in milliseconds; doubles."),
  maxBackoffMs: z.number().nonnegative().default(1000).describe("Longest wait before any retry, in milliseconds."),
  budget: z
    .strictObject({
      ratio: z.number().min(0).max(1).default(0.2).describe("Retries that each call earns its service."),
      perSecond: z.number().nonnegative().default(10).describe("Retries that each second earns."),
      burst: z.number().nonnegative().default(100).describe("Retries that can be saved up."),
    })
    .prefault({})
    .describe("Bounds the retries of all calls to one service, except of requests that never left."),
});

export const failover = definePlugin({
  spi: cluster,
  name: "failover",
  description: "Tries another instance when one fails, if the call may be repeated",
  options,
  policy: failoverPolicy.schemas,
  setup: ({ options, ports }) => ({ api: failoverCluster(options, ports) }),
});
