import { type Cluster, cluster, definePlugin, type Ports, policyFields } from "@mortise/kernel";
import { racingInvoker } from "@mortise/kernel/spi/racing";
import { z } from "zod";

export const hedgingPolicy = policyFields({
  hedgeAttempts: z.int().min(1).default(2).describe("Instances that are asked at most, the first one included"),
  hedgeDelayMs: z
    .number()
    .nonnegative()
    .default(100)
    .describe(
      "How long an instance may take before another one is asked too, in milliseconds; best about the 95th percentile",
    ),
});

/** Asks another instance when the first one takes long; the first reply counts and the others are cancelled. */
export function hedgingCluster(ports: Pick<Ports, "clock" | "timers">): Cluster {
  return {
    invoker(site, group) {
      const { hedgeAttempts, hedgeDelayMs } = hedgingPolicy.of(site);
      return racingInvoker(group, { attempts: hedgeAttempts, delayMs: hedgeDelayMs }, ports);
    },
  };
}

export const hedging = definePlugin({
  spi: cluster,
  name: "hedging",
  description: "Asks another instance when the first one takes long",
  policy: hedgingPolicy.schemas,
  setup: ({ ports }) => ({ api: hedgingCluster(ports) }),
});
