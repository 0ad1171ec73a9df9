import type { CallSite } from "../call/site.ts";
import type { ErrorCode } from "../call/status.ts";
import { defineSpi } from "../core/spi.ts";

/** One circuit: what it saw decides whether calls may pass. */
export interface Circuit {
  /** Whether a call may pass now. One that may must be followed by exactly one `record` or `forget`. */
  admit(): boolean;
  /** How a call that was let through went. */
  record(ok: boolean, tookMs: number): void;
  /** A call that was let through says nothing about the health of what is behind: it was cancelled. */
  forget(): void;
  readonly state: "closed" | "open" | "half-open";
}

/** Makes circuits. */
export interface Breaker {
  /** How the circuits of one method behave; each call gives a fresh one. */
  circuits(site: CallSite): () => Circuit;
}

/** A policy chooses one by the field `breaker`; without it nothing breaks. */
export const breaker = defineSpi<Breaker>("breaker", { kind: "named" });

const failures: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "DEADLINE_EXCEEDED",
  "INTERNAL",
  "UNKNOWN",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNIMPLEMENTED",
  "RESOURCE_EXHAUSTED",
]);

/**
 * Whether a status says that what is behind is unwell, as against a refusal that it gave in good health
 * (go-zero's list of unacceptable codes, and UNKNOWN).
 */
export function isFailure(code: ErrorCode): boolean {
  return failures.has(code);
}
