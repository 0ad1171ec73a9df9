import type { CallSite } from "../call/site.ts";
import type { StatusCode } from "../call/status.ts";
import { defineSpi } from "../core/spi.ts";

/** The right to do one call. */
export interface Permit {
  /** Call exactly once, when the call is over. */
  release(outcome: { readonly code: StatusCode; readonly tookMs: number }): void;
}

/** A call is over the limit. */
export interface Refusal {
  /** After how many milliseconds it may have better luck; 0: unknown. */
  readonly retryAfterMs: number;
}

/** The limit of one method. */
export interface Limit {
  /** `key` separates those who share the limit; the empty key is one for all. */
  acquire(key: string): Permit | Refusal | Promise<Permit | Refusal>;
}

/** Makes limits. */
export interface Limiter {
  /** Compiled once per method; nothing when the policy sets no limit. */
  limit(site: CallSite): Limit | undefined;
}

/** A policy chooses one by the field `limiter`; without it nothing is limited. */
export const limiter = defineSpi<Limiter>("limiter", { kind: "named" });

/** A permit for limiters that do not care how a call ends. */
export const freePermit: Permit = Object.freeze({ release: () => undefined });

export function isPermit(answer: Permit | Refusal): answer is Permit {
  return "release" in answer;
}
