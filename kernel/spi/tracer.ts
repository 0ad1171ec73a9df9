import type { StatusCode } from "../call/status.ts";
import type { TraceContext } from "../call/trace.ts";
import { defineSpi } from "../core/spi.ts";

export type SpanKind = "internal" | "server" | "client" | "producer" | "consumer";
export type AttributeValue = string | number | boolean;

/** One finished span. Times are wall milliseconds with fractions. */
export interface SpanRecord {
  readonly trace: TraceContext;
  /** Empty for a root. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startMs: number;
  readonly durationMs: number;
  readonly code: StatusCode;
  /** Empty when all went well. */
  readonly message: string;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** The service (`service.name`) it happened in. */
  readonly service: string;
}

/** A span under way. When it is not sampled, all of this does nothing. */
export interface Span {
  readonly context: TraceContext;
  set(name: string, value: AttributeValue): void;
  /** Puts attributes in place of all it has: shared, not copied, so make them once. */
  setAll(attributes: Readonly<Record<string, AttributeValue>>): void;
  /** Call once, and nothing after. `atMs` is the wall time it ended, for a span told of afterwards. */
  end(code: StatusCode, message?: string, atMs?: number): void;
}

export interface SpanStart {
  readonly name: string;
  readonly kind: SpanKind;
  readonly service: string;
  /** The span it belongs to; without one a new trace begins and is sampled or not. */
  readonly parent?: TraceContext | undefined;
  /** Attributes known beforehand: shared, not copied, so make them once. */
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** When it began, in wall milliseconds, for a span told of afterwards; default now. */
  readonly startMs?: number;
}

/** How much was recorded since the start. */
export interface TracerCounts {
  readonly recorded: number;
  /** Recorded, but lost because more came than could be handed over. */
  readonly dropped: number;
}

/** Records spans cheaply and hands them to the telemetry plugins off the path of calls. */
export interface Tracer {
  start(span: SpanStart): Span;
  /** Hands over what is recorded now; resolves when the telemetry plugins have taken it. */
  flush(): Promise<void>;
  readonly counts: TracerCounts;
}

export const tracer = defineSpi<Tracer>("tracer", { kind: "one", fallback: "ring" });
