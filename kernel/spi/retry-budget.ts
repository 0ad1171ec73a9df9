import type { Clock } from "../core/ports.ts";

export interface RetryBudgetOptions {
  readonly ratio: number;
  readonly perSecond: number;
  readonly burst: number;
}

/** Bounds how much retries add to the load of a service. */
export interface RetryBudget {
  /** A call begins: it earns a part of a retry. */
  earn(): void;
  /** Takes one retry if there is one. */
  spend(): boolean;
}

/** A bucket of retries: it starts full with `burst`, every call adds `ratio`, every second `perSecond` (Finagle's rule). */
export function retryBudget({ ratio, perSecond, burst }: RetryBudgetOptions, clock: Clock): RetryBudget {
  let balance = burst;
  let countedAt = clock.now();
  return {
    earn() {
      balance = Math.min(burst, balance + ratio);
    },
    spend() {
      const now = clock.now();
      balance = Math.min(burst, balance + (perSecond * (now - countedAt)) / 1000);
      countedAt = now;
      if (balance < 1) return false;
      balance--;
      return true;
    },
  };
}
