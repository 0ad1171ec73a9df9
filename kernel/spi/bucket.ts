import type { Clock } from "../core/ports.ts";
import { freePermit, type Limit } from "./limiter.ts";

/** How fast a bucket fills, in tokens per second, and how many it holds. */
export interface BucketSize {
  readonly rate: number;
  readonly capacity: number;
}

/** The size of a bucket by the policy fields `rate` (calls per second) and `burst` (0: as many as a second allows, at least one). */
export function bucketSize(rate: number, burst: number): BucketSize {
  return { rate, capacity: Math.max(1, burst === 0 ? rate : burst) };
}

/** A bucket of tokens in this process: a call takes one, and they come back at a steady rate. */
export function tokenBucket({ rate, capacity }: BucketSize, clock: Clock): { acquire(): ReturnType<Limit["acquire"]> } {
  let tokens = capacity;
  let filledAt = clock.now();
  return {
    acquire() {
      const now = clock.now();
      tokens = Math.min(capacity, tokens + ((now - filledAt) * rate) / 1000);
      filledAt = now;
      if (tokens < 1) return { retryAfterMs: Math.ceil(((1 - tokens) * 1000) / rate) };
      tokens--;
      return freePermit;
    },
  };
}
