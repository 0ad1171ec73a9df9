import { cluster, definePlugin } from "@mortise/kernel";
import { retryingCluster, retryingPolicy, retryingShape } from "@mortise/kernel/spi/retrying";
import { z } from "zod";
import { zoneNarrowing, zonePolicy } from "./zone-narrowing.ts";

const options = z.strictObject({
  zone: z.string().default("").describe("The zone of this process; empty: none."),
  ...retryingShape,
});

export const zoneAware = definePlugin({
  spi: cluster,
  name: "zone-aware",
  description: "Prefers a registry or the caller's zone, and goes to the next one when that has nobody left",
  options,
  policy: { ...retryingPolicy.schemas, ...zonePolicy.schemas },
  setup: ({ options, ports }) => ({
    api: retryingCluster(options, ports, (site) => zoneNarrowing(site, options.zone, ports.random)),
  }),
});
