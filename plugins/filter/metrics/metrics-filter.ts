import { asStatusError, type Clock, type Filter, going, type Place, type Reply, watchStream } from "@mortise/kernel";
import type { Counters } from "./counters.ts";

export interface MetricsOptions {
  readonly places: readonly Place[];
}

/** Counts calls and how long they take; a stream takes until its last message. */
export function metricsFilter({ places }: MetricsOptions, counters: Counters, clock: Clock): Filter {
  return {
    wrap({ method, place }) {
      if (!places.includes(place)) return undefined;
      const counter = counters.of(method, place);
      const streams = method.kind === "server-stream" || method.kind === "bidi-stream";
      return (next) => (call) => {
        const began = clock.now();
        counter.begin();
        const over = (error?: unknown) =>
          counter.end(error === undefined ? "OK" : asStatusError(error).code, clock.now() - began);
        return going(next, call).then(
          (reply) => {
            if (streams) return watched(reply, over);
            over();
            return reply;
          },
          (error: unknown) => {
            over(error);
            throw error;
          },
        );
      };
    },
  };
}

function watched(reply: Reply, over: (error: unknown) => void): Reply {
  return { ...reply, response: watchStream(reply.response as AsyncIterable<unknown>, over) };
}
