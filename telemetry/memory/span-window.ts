import type { SpanRecord, TraceView } from "@mortise/kernel";

/** The newest spans, in a ring. */
export interface SpanWindow {
  add(spans: readonly SpanRecord[]): void;
  /** The spans of a trace that are still here, by their start. */
  trace(traceId: string): TraceView | undefined;
}

/**
 * A ring instead of a map by trace: adding a span costs one assignment however many traces there are, and a look-up, which
 * only people ask for, reads them all.
 */
export function spanWindow(size: number, perTrace: number): SpanWindow {
  const ring: (SpanRecord | undefined)[] = [];
  let next = 0;
  return {
    add(spans) {
      for (const span of spans) {
        ring[next] = span;
        next = (next + 1) % size;
      }
    },
    trace(traceId) {
      const spans = ring.filter((span): span is SpanRecord => span?.trace.traceId === traceId);
      if (spans.length === 0) return undefined;
      spans.sort((a, b) => a.startMs - b.startMs);
      return { traceId, spans: spans.slice(0, perTrace) };
    },
  };
}
