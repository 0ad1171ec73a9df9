import type { Place } from "../call/site.ts";
import type { StatusCode } from "../call/status.ts";

/** Numbers of one method at one place since the process started. */
export interface MethodMetrics {
  /** `<service>/<wireName>`. */
  readonly method: string;
  readonly place: Place;
  /** Finished calls by status. */
  readonly calls: Readonly<Partial<Record<StatusCode, number>>>;
  readonly inFlight: number;
  /** Sum of durations in milliseconds. */
  readonly totalMs: number;
  /** Counts per bucket; bucket i holds durations up to `bounds[i]` milliseconds, the last one all above. */
  readonly buckets: readonly number[];
}

/** Where exporters read the numbers of calls. */
export interface MetricsSource {
  readonly boundsMs: readonly number[];
  read(): readonly MethodMetrics[];
}
