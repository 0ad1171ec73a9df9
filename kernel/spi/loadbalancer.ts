import type { Call } from "../call/call.ts";
import type { Metadata, MetadataInit } from "../call/metadata.ts";
import type { CallSite } from "../call/site.ts";
import type { StatusCode } from "../call/status.ts";
import { defineSpi } from "../core/spi.ts";
import type { Instance } from "./instance.ts";

/** How one attempt went. */
export interface Outcome {
  readonly tookMs: number;
  readonly code: StatusCode;
  /** What the provider said at the end of an attempt that went well; decoded only when read. */
  readonly trailers?: () => Metadata;
}

export interface Picked {
  readonly instance: Instance;
  /** Call exactly once per pick, when the attempt is over (for a stream: when it ends). */
  done(outcome: Outcome): void;
}

/** Chooses for one method of one client. Has the state it needs for that, per instance. */
export interface Picker {
  /** Headers that every attempt sends, by which a provider knows that it is asked to say something in its trailers. */
  readonly asks?: MetadataInit;
  /**
   * `candidates` is never empty and never changes; the same array means the same candidates, so what is computed
   * from it may be kept in a WeakMap. The returned object may be reused for later picks of the same instance.
   */
  pick(candidates: readonly Instance[], call: Call): Picked;
}

/** Makes the picker of each method. */
export interface LoadBalancer {
  picker(site: CallSite): Picker;
}

export const loadBalancer = defineSpi<LoadBalancer>("loadbalancer", { kind: "named", fallback: "random" });

/** Warm-up time of an instance in milliseconds (Dubbo's default: ten minutes). */
export const defaultWarmupMs = 600_000;

/**
 * The share of an instance now: Dubbo's linear warm-up, `trunc(uptime / (warmup / weight))` clamped to [1, weight].
 * A start in the future (clock skew) counts as 1; an unknown start as warm; a weight of zero or less as 0.
 */
export function effectiveWeight(instance: Instance, wallNow: number, warmupMs: number = defaultWarmupMs): number {
  const { weight, startedAt } = instance;
  if (weight <= 0) return 0;
  if (startedAt <= 0 || warmupMs <= 0) return weight;
  const uptime = wallNow - startedAt;
  if (uptime < 0) return 1;
  if (uptime >= warmupMs) return weight;
  return Math.min(weight, Math.max(1, Math.trunc(uptime / (warmupMs / weight))));
}
