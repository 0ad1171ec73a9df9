import { createHash } from "node:crypto";
import { freePermit, type Limiter, type Log, type Ports, policyFields } from "@mortise/kernel";
import { type BucketSize, bucketSize, tokenBucket } from "@mortise/kernel/spi/bucket";
import { keyed } from "@mortise/kernel/spi/keyed";
import { z } from "zod";

export const redisFields = policyFields({
  rate: z.number().nonnegative().default(0).describe("Calls per second; 0: no limit"),
  burst: z
    .number()
    .nonnegative()
    .default(0)
    .describe("Calls at once after a rest; 0: as many as a second allows, at least one"),
});

/** Buckets that all processes share. Both reject when the server does not answer in time. */
export interface SharedBuckets {
  /** Takes a token; gives 0, or after how many milliseconds there is one. */
  take(key: string, size: BucketSize): Promise<number>;
  ping(): Promise<void>;
}

export interface Sharing {
  readonly limiter: Limiter;
  close(): void;
}

/** How often a server that is away is looked for, in milliseconds (go-zero's). */
const pingMs = 100;
/** A key is used as it is up to so many characters. */
const maxKey = 100;

/**
 * Limits for all processes together. While the server is away each process counts by itself, with `localShare` of the rate and
 * the burst, and goes back to the shared buckets as soon as a ping is answered.
 */
export function sharedLimiter(
  shared: SharedBuckets,
  localShare: number,
  { clock, timers }: Pick<Ports, "clock" | "timers">,
  log: Log,
): Sharing {
  let pinging: { cancel(): void } | undefined;

  function fallBack(error: unknown): void {
    if (pinging) return;
    log.warn("limiter/redis: Redis is away; every process counts by itself until it is back", { error: String(error) });
    let asking = false;
    pinging = timers.every(pingMs, () => {
      if (asking) return;
      asking = true;
      shared.ping().then(goBack, () => {
        asking = false;
      });
    });
  }

  function goBack(): void {
    if (!pinging) return;
    pinging.cancel();
    pinging = undefined;
    log.info("limiter/redis: Redis is back");
  }

  return {
    limiter: {
      limit(site) {
        const { rate, burst } = redisFields.of(site);
        if (rate === 0) return undefined;
        const size = bucketSize(rate, burst);
        const own = { rate: rate * localShare, capacity: Math.max(1, size.capacity * localShare) };
        const local = keyed(() => tokenBucket(own, clock));
        return {
          async acquire(key) {
            if (pinging) return local(key).acquire();
            try {
              const wait = await shared.take(`${site.method.path}:${short(key)}`, size);
              return wait === 0 ? freePermit : { retryAfterMs: wait };
            } catch (error) {
              fallBack(error);
              return local(key).acquire();
            }
          },
        };
      },
    },
    close: () => pinging?.cancel(),
  };
}

/** Callers choose keys, so a long one is replaced by its digest. */
function short(key: string): string {
  return key.length <= maxKey ? key : `sha256:${createHash("sha256").update(key).digest("base64url")}`;
}
