import { type Cluster, cluster, definePlugin } from "@mortise/kernel";

/** Makes one attempt; what becomes of it becomes of the call. */
export const failfastCluster: Cluster = {
  invoker: (_site, group) => (call) => {
    const candidates = group.candidates(call);
    return candidates instanceof Promise
      ? candidates.then((found) => group.attempt(call, found))
      : group.attempt(call, candidates);
  },
};

export const failfast = definePlugin({
  spi: cluster,
  name: "failfast",
  description: "Makes one attempt and reports its error at once",
  setup: () => ({ api: failfastCluster }),
});
