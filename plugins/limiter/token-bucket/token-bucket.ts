import { type Clock, definePlugin, freePermit, type Limiter, limiter, policyFields } from "@mortise/kernel";
import { keyed } from "@mortise/kernel/spi/keyed";
import { z } from "zod";

export const tokenBucketFields = policyFields({
  rate: z.number().nonnegative().default(0).describe("Calls per second; 0: no limit"),
  burst: z
    .number()
    .nonnegative()
    .default(0)
    .describe("Calls at once after a rest; 0: as many as a second allows, at least one"),
});

interface Bucket {
  tokens: number;
  /** Monotonic milliseconds. */
  filledAt: number;
}

/** Lets calls through while the bucket has tokens; it fills at a steady rate up to the burst. */
export function tokenBucketLimiter(clock: Clock): Limiter {
  return {
    limit(site) {
      const { rate, burst } = tokenBucketFields.of(site);
      if (rate === 0) return undefined;
      const capacity = burst === 0 ? Math.max(1, rate) : Math.max(1, burst);
      const buckets = keyed((): Bucket => ({ tokens: capacity, filledAt: clock.now() }));
      return {
        acquire(key) {
          const bucket = buckets(key);
          const now = clock.now();
          bucket.tokens = Math.min(capacity, bucket.tokens + ((now - bucket.filledAt) * rate) / 1000);
          bucket.filledAt = now;
          if (bucket.tokens < 1) return { retryAfterMs: Math.ceil(((1 - bucket.tokens) * 1000) / rate) };
          bucket.tokens--;
          return freePermit;
        },
      };
    },
  };
}

export const tokenBucket = definePlugin({
  spi: limiter,
  name: "token-bucket",
  description: "A steady rate with bursts",
  policy: tokenBucketFields.schemas,
  setup: ({ ports }) => ({ api: tokenBucketLimiter(ports.clock) }),
});
