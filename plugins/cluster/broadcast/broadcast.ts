import {
  type Call,
  type Cluster,
  cluster,
  definePlugin,
  type Group,
  type Instance,
  policyFields,
  type Reply,
  StatusError,
} from "@mortise/kernel";
import { z } from "zod";

export const broadcastPolicy = policyFields({
  broadcastFailPercent: z
    .number()
    .min(0)
    .max(100)
    .default(100)
    .describe("Share of instances that must have failed before the rest is left out"),
});

/** Calls every instance, one after another. The last reply counts; if any failed, the last error does. */
export const broadcastCluster: Cluster = {
  invoker(site, group) {
    const { method } = site;
    if (method.kind === "client-stream" || method.kind === "bidi-stream") {
      throw new StatusError(
        "FAILED_PRECONDITION",
        `policy: broadcast cannot send the stream of requests of ${method.path} more than once`,
      );
    }
    const { broadcastFailPercent } = broadcastPolicy.of(site);
    return async (call) => toAll(call, await group.candidates(call), group, broadcastFailPercent);
  },
};

async function toAll(call: Call, all: readonly Instance[], group: Group, failPercent: number): Promise<Reply> {
  const limit = Math.max(1, Math.ceil((all.length * failPercent) / 100));
  const failures: unknown[] = [];
  let reply: Reply | undefined;
  for (const instance of all) {
    if (call.context.cancelled) throw call.context.cancelled;
    try {
      reply = await group.attempt(call, Object.freeze([instance]));
    } catch (error) {
      if (failures.push(error) >= limit) break;
    }
  }
  if (failures.length > 0 || !reply) throw failures.at(-1);
  return reply;
}

export const broadcast = definePlugin({
  spi: cluster,
  name: "broadcast",
  description: "Calls every instance, one after another",
  policy: broadcastPolicy.schemas,
  setup: () => ({ api: broadcastCluster }),
});
