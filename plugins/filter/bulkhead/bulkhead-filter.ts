import {
  type Call,
  type Filter,
  goingUntilOver,
  type Invoker,
  policyFields,
  type Reply,
  StatusError,
} from "@mortise/kernel";
import { z } from "zod";
import { seats } from "./seats.ts";

export const bulkheadPolicy = policyFields({
  bulkhead: z
    .strictObject({
      maxConcurrent: z.int().min(1).describe("Calls at the same time"),
      maxQueue: z.int().min(0).default(0).describe("Calls that may wait; those beyond are refused at once"),
      at: z
        .enum(["provider", "call"])
        .default("provider")
        .describe("Where calls are counted: at the service, or at each of its callers"),
    })
    .optional(),
});

/**
 * Bounds how many calls of a method run at the same time. A call waits in a bounded queue, in order, no longer than its
 * deadline; one that is cancelled while it waits leaves its place.
 */
export const bulkheadFilter: Filter = {
  wrap(site) {
    const { bulkhead } = bulkheadPolicy.of(site);
    if (!bulkhead || site.place !== bulkhead.at) return undefined;
    const room = seats(bulkhead.maxConcurrent, bulkhead.maxQueue);
    const enter = (next: Invoker, call: Call): Promise<Reply> => goingUntilOver(next, call, () => room.leave());
    return (next) => (call) => {
      const seat = room.take(call.context);
      if (seat === "full") return Promise.reject(full(call, bulkhead.maxConcurrent));
      return seat === "taken" ? enter(next, call) : seat.then(() => enter(next, call));
    };
  },
};

function full({ method }: Call, maxConcurrent: number): StatusError {
  return new StatusError("RESOURCE_EXHAUSTED", `${method.path} is doing ${maxConcurrent} calls and its queue is full`, {
    reason: "BULKHEAD_FULL",
    retryable: true,
  });
}
