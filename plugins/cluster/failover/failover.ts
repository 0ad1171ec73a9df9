import { cluster, definePlugin } from "@mortise/kernel";
import { retryingCluster, retryingPolicy, retryingShape } from "@mortise/kernel/spi/retrying";
import { z } from "zod";

export const failover = definePlugin({
  spi: cluster,
  name: "failover",
  description: "Tries another instance when one fails, if the call may be repeated",
  options: z.strictObject(retryingShape),
  policy: retryingPolicy.schemas,
  setup: ({ options, ports }) => ({ api: retryingCluster(options, ports) }),
});
