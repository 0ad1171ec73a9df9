import { type Cluster, cluster, definePlugin, type Ports, policyFields } from "@mortise/kernel";
import { racingInvoker } from "@mortise/kernel/spi/racing";
import { z } from "zod";

export const forkingPolicy = policyFields({
  forks: z.int().min(1).default(2).describe("Instances that are asked at the same time"),
});

/** Asks several instances at once and takes the first reply; the others are cancelled. */
export function forkingCluster(ports: Pick<Ports, "clock" | "timers">): Cluster {
  return {
    invoker: (site, group) => racingInvoker(group, { attempts: forkingPolicy.of(site).forks, delayMs: 0 }, ports),
  };
}

export const forking = definePlugin({
  spi: cluster,
  name: "forking",
  description: "Asks several instances at once and takes the first reply",
  policy: forkingPolicy.schemas,
  setup: ({ ports }) => ({ api: forkingCluster(ports) }),
});
