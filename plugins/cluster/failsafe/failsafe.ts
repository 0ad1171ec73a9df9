import { type Cluster, cluster, definePlugin, type Log } from "@mortise/kernel";
import { emptyReply } from "@mortise/kernel/spi/empty-reply";

/** One attempt; if it fails that is logged, and the caller gets an answer with nothing in it. */
export function failsafeCluster(log: Log): Cluster {
  return {
    invoker({ method }, group) {
      const empty = emptyReply(method);
      return async (call) => {
        try {
          return await group.attempt(call, await group.candidates(call));
        } catch (error) {
          if (call.context.cancelled) throw error; // nobody waits for an answer
          log.warn(`${method.path} failed; its caller gets an empty answer`, { error });
          return empty();
        }
      };
    },
  };
}

export const failsafe = definePlugin({
  spi: cluster,
  name: "failsafe",
  description: "Logs failures and answers with nothing",
  setup: ({ log }) => ({ api: failsafeCluster(log) }),
});
