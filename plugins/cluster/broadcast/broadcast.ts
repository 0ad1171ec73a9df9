import {
  type Call,
  type Clock,
  type Cluster,
  cluster,
  definePlugin,
  type Group,
  type Instance,
  policyFields,
  type Reply,
  StatusError,
} from "@mortise/kernel";
import { withoutNeverSent } from "@mortise/kernel/spi/sent";
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
export function broadcastCluster(clock: Clock): Cluster {
  return {
    invoker(site, group) {
      const { method } = site;
      if (method.kind === "client-stream" || method.kind === "bidi-stream") {
        throw new StatusError(
          "FAILED_PRECONDITION",
          `policy: broadcast cannot send the stream of requests of ${method.path} more than once`,
        );
      }
      const { broadcastFailPercent } = broadcastPolicy.of(site);
      return async (call) => toAll(call, await group.candidates(call), { group, broadcastFailPercent, clock });
    },
  };
}

interface Broadcasting {
  readonly group: Group;
  readonly broadcastFailPercent: number;
  readonly clock: Clock;
}

async function toAll(call: Call, all: readonly Instance[], { group, broadcastFailPercent, clock }: Broadcasting) {
  const { context } = call;
  const limit = Math.max(1, Math.ceil((all.length * broadcastFailPercent) / 100));
  const failures: unknown[] = [];
  let reply: Reply | undefined;
  for (const instance of all) {
    if (context.cancelled) throw context.cancelled;
    if (clock.now() >= context.deadline)
      throw new StatusError("DEADLINE_EXCEEDED", "not all instances were called in time");
    try {
      reply = await group.attempt(call, Object.freeze([instance]));
    } catch (error) {
      if (failures.push(error) >= limit) break;
    }
  }
  if (failures.length === 0 && reply) return reply;
  const error = failures.at(-1);
  const nobodyReached = !reply && failures.every((one) => one instanceof StatusError && one.neverSent);
  throw nobodyReached ? error : withoutNeverSent(error);
}

export const broadcast = definePlugin({
  spi: cluster,
  name: "broadcast",
  description: "Calls every instance, one after another",
  policy: broadcastPolicy.schemas,
  setup: ({ ports }) => ({ api: broadcastCluster(ports.clock) }),
});
