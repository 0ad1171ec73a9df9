import { cluster, definePlugin } from "@mortise/kernel";
import { mergeableCluster, mergeablePolicy } from "./mergeable-cluster.ts";

export const mergeable = definePlugin({
  spi: cluster,
  name: "mergeable",
  description: "Calls every group of instances at once and merges their answers",
  policy: mergeablePolicy.schemas,
  setup: ({ log }) => ({ api: mergeableCluster(log) }),
});
