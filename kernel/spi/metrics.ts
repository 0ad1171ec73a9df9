import type { Place } from "../call/site.ts";
import type { StatusCode } from "../call/status.ts";
import type { MethodKind } from "../contract/types.ts";

/** The finished calls that ended with one status. */
export interface OutcomeMetrics {
  readonly code: StatusCode;
  readonly count: number;
  /** Sum of durations in milliseconds. */
  readonly totalMs: number;
  /** Counts per bucket; bucket i holds durations up to `boundsMs[i]` milliseconds, the last one all above. */
  readonly buckets: readonly number[];
}

/** Numbers of one method at one place since the source began to count. */
export interface MethodMetrics {
  /** `<service>/<wireName>`. */
  readonly method: string;
  readonly kind: MethodKind;
  readonly place: Place;
  readonly inFlight: number;
  /** One for every status calls have ended with. */
  readonly outcomes: readonly OutcomeMetrics[];
}

/** Where exporters read the numbers of calls. */
export interface MetricsSource {
  readonly boundsMs: readonly number[];
  read(): readonly MethodMetrics[];
}
