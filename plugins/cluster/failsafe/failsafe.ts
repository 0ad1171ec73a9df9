import { type Cluster, cluster, definePlugin, type Log, type Method, noMetadata, type Reply } from "@mortise/kernel";
import { codecOf } from "@mortise/kernel/contract";

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

/** Throws a StatusError when the answer has fields that must be set. */
function emptyReply({ kind, output }: Method): () => Reply {
  const nothing = new Uint8Array();
  const codec = codecOf(output);
  const streams = kind === "server-stream" || kind === "bidi-stream";
  if (!streams) codec.decode(nothing);
  const response = streams ? emptyStream : () => codec.decode(nothing);
  return () => ({ response: response(), headers: noMetadata, trailers: () => noMetadata });
}

async function* emptyStream(): AsyncGenerator<never> {}

export const failsafe = definePlugin({
  spi: cluster,
  name: "failsafe",
  description: "Logs failures and answers with nothing",
  setup: ({ log }) => ({ api: failsafeCluster(log) }),
});
