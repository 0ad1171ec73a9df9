import { type Cluster, cluster, definePlugin } from "@mortise/kernel";

/** Makes one attempt; what becomes of it becomes of the call. */
export const failfastCluster: Cluster = {
  invoker: (_site, group) => async (call) => {
    const found = group.candidates(call);
    return group.attempt(call, found instanceof Promise ? await found : found);
  },
};

export const failfast = definePlugin({
  spi: cluster,
  name: "failfast",
  description: "Makes one attempt and reports its error at once",
  setup: () => ({ api: failfastCluster }),
});
