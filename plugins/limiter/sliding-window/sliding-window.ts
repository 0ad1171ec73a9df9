import { type Clock, definePlugin, freePermit, type Limiter, limiter, policyFields } from "@mortise/kernel";
import { keyed } from "@mortise/kernel/spi/keyed";
import { slidingWindow } from "@mortise/kernel/spi/windows";
import { z } from "zod";

const buckets = 10;

export const slidingWindowFields = policyFields({
  windowLimit: z.int().nonnegative().default(0).describe("Calls within one window; 0: no limit"),
  windowMs: z.number().positive().default(1000).describe("Length of the window, in milliseconds"),
});

/** Lets through as many calls as the limit within any stretch of time of the window's length, to a tenth of it. */
export function slidingWindowLimiter(clock: Clock): Limiter {
  return {
    limit(site) {
      const { windowLimit, windowMs } = slidingWindowFields.of(site);
      if (windowLimit === 0) return undefined;
      const windows = keyed(() => slidingWindow(windowMs, buckets));
      return {
        acquire(key) {
          const window = windows(key);
          const now = clock.now();
          if (window.sum(0, now) >= windowLimit) return { retryAfterMs: Math.ceil(windowMs / buckets) };
          window.add(0, now);
          return freePermit;
        },
      };
    },
  };
}

export const slidingWindowPlugin = definePlugin({
  spi: limiter,
  name: "sliding-window",
  description: "So many calls within a window that slides along",
  policy: slidingWindowFields.schemas,
  setup: ({ ports }) => ({ api: slidingWindowLimiter(ports.clock) }),
});
