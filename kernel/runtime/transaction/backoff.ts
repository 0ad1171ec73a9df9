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

/** The wait after a round of attempts, counted from 0: between a half and the whole of a bound that doubles. */
export function roundMs(round: number, { backoffMs, maxBackoffMs }: Backoff, random: Random): number {
  const bound = Math.min(backoffMs * 2 ** Math.min(round + 5, 30), maxBackoffMs);
  return (bound * (1 + random())) / 2;
}

/** How long a round is put off where nothing but time helps. */
export function longestRoundMs(backoff: Backoff, random: Random): number {
  return roundMs(Number.POSITIVE_INFINITY, backoff, random);
}

export interface Redeliver {
  readonly redeliverMs: number;
  readonly maxRedeliverMs: number;
}

/** How long an acknowledgement is waited for, by the round counted from 0: never less than `redeliverMs`, up to half as much again. */
export function acknowledgeMs(round: number, { redeliverMs, maxRedeliverMs }: Redeliver, random: Random): number {
  return Math.min(redeliverMs * 2 ** Math.min(round, 30), maxRedeliverMs) * (1 + random() / 2);
}
