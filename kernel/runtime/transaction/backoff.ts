import type { Random } from "../../core/ports.ts";

export interface Backoff {
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
}

/** The wait after the failure of an attempt, counted from 0: anything up to a bound that doubles ("full jitter"). */
export function waitMs(attempt: number, { backoffMs, maxBackoffMs }: Backoff, random: Random): number {
  const bound = Math.min(backoffMs * 2 ** Math.min(attempt, 30), maxBackoffMs);
  return Math.max(1, bound * random());
}
