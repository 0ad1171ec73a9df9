import type { TraceContext } from "../call/trace.ts";
import { defineSpi } from "../core/spi.ts";
import type { MetricsSource, TransactionMetricsSource } from "./metrics.ts";
import type { SpanRecord } from "./tracer.ts";

/** Joins spans of a foreign tracing API (OpenTelemetry's) with ours. */
export interface TraceBridge {
  /** The foreign span that is active here, as parent of a call made without a context. */
  active(): TraceContext | undefined;
  /** Runs `work` so that foreign spans started in it become children of `trace` and belong to `service`. */
  run<T>(trace: TraceContext, service: string, work: () => T): T;
}

/** One trace as kept in memory: its spans by start. */
export interface TraceView {
  readonly traceId: string;
  readonly spans: readonly SpanRecord[];
}

/** Takes finished spans and metrics somewhere. */
export interface Telemetry {
  /** Must not throw and must not block. */
  spans?(batch: readonly SpanRecord[]): void;
  /** Called once per source; read it when exporting. */
  metrics?(source: MetricsSource): () => void;
  /** The same for the numbers of transactions. */
  transactions?(source: TransactionMetricsSource): () => void;
  readonly bridge?: TraceBridge;
  /** A recent trace, where this plugin keeps traces. */
  trace?(traceId: string): TraceView | undefined;
  /** Delivers what is still buffered. */
  flush?(): Promise<void>;
}

export const telemetry = defineSpi<Telemetry>("telemetry", { kind: "named", fallback: "memory" });
