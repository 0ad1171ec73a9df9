import type { Patience } from "./messages.ts";

/** Clocks of this machine agree, but are read in whole milliseconds. */
const clockMs = 10;
/** What is rarer than this does not happen in a run. */
const unbelievable = 1e-9;

/** How many there may be in so many milliseconds, if the n-th is followed by at least such a wait, counted from 0. */
function within(ms: number, waitMs: (n: number) => number): number {
  let spent = 0;
  for (let count = 1; ; count++) {
    spent += waitMs(count - 1);
    if (!(spent > 0) || count > 1_000_000) return Number.POSITIVE_INFINITY;
    if (spent > ms + clockMs) return count;
  }
}

/**
 * Rounds one transaction may be driven in: after each it rests for at least half of a bound that doubles from 32 times
 * `backoffMs`; whoever dies or sleeps in one is replaced after its lease.
 */
export function roundsWithin(ms: number, { backoffMs, maxBackoffMs, leaseMs }: Patience): number {
  return within(ms, (n) => Math.min((backoffMs * 2 ** Math.min(n + 5, 30)) / 2, maxBackoffMs / 2, leaseMs));
}

/**
 * Asks that are believable one after the other, where each failure is followed by any wait up to a bound that doubles from
 * `backoffMs`. That n such waits take no longer than `ms` has at most the chance ms^n / (n! × the product of their bounds).
 */
export function asksWithin(ms: number, { backoffMs, maxBackoffMs }: Patience): number {
  let chance = 0;
  for (let waits = 1; ; waits++) {
    const boundMs = Math.min(backoffMs * 2 ** Math.min(waits - 1, 30), maxBackoffMs);
    chance += Math.log((ms + clockMs) / (waits * boundMs));
    if (chance < Math.log(unbelievable)) return waits;
  }
}

/** How often a branch may be given to the bus: again after at least `redeliverMs`, which doubles. */
export function sendingsWithin(ms: number, patience: Patience): number {
  return within(ms, (n) => redeliverMs(n, patience));
}

/**
 * How often a receiver may be notified: as the schedule says, and where whoever did it died before it could say so, as what
 * nobody acknowledges.
 */
export function noticesWithin(ms: number, scheduleMs: readonly number[], patience: Patience): number {
  return within(ms, (n) => Math.min(scheduleMs[n] ?? Number.POSITIVE_INFINITY, redeliverMs(n, patience)));
}

function redeliverMs(n: number, { redeliverMs, maxRedeliverMs }: Patience): number {
  return Math.min(redeliverMs * 2 ** Math.min(n, 20), maxRedeliverMs);
}

/** The quickest of some schedules, wait by wait, as long as the longest. */
export function quickest(schedules: readonly (readonly number[])[]): readonly number[] {
  const length = Math.max(0, ...schedules.map((one) => one.length));
  return Array.from({ length }, (_, n) => Math.min(...schedules.map((one) => one[n] ?? Number.POSITIVE_INFINITY)));
}
