import { type Clock, definePlugin, type Limiter, limiter, policyFields } from "@mortise/kernel";
import { tokenBucket as bucketOf, bucketSize } from "@mortise/kernel/spi/bucket";
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

/** Lets calls through while the bucket has tokens; it fills at a steady rate up to the burst. */
export function tokenBucketLimiter(clock: Clock): Limiter {
  return {
    limit(site) {
      const { rate, burst } = tokenBucketFields.of(site);
      if (rate === 0) return undefined;
      const buckets = keyed(() => bucketOf(bucketSize(rate, burst), clock));
      return { acquire: (key) => buckets(key).acquire() };
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
