import type { SpanRecord, TraceView } from "@mortise/kernel";
import { SpanColumns } from "@mortise/kernel/spi/span-columns";

/** The newest spans, in a ring. */
export interface SpanWindow {
  add(spans: readonly SpanRecord[]): void;
  /** The spans of a trace that are still here, by their start. */
  trace(traceId: string): TraceView | undefined;
}

/**
 * A ring instead of a map by trace: adding a span costs the same however many traces there are and leaves no garbage, and a
 * look-up, which only people ask for, reads them all.
 */
export function spanWindow(size: number, perTrace: number): SpanWindow {
  const ring = new SpanColumns(size);
  let next = 0;
  return {
    add(spans) {
      for (const span of spans) {
        ring.put(next, span);
        next = (next + 1) % size;
      }
    },
    trace(traceId) {
      const spans: SpanRecord[] = [];
      for (let i = 0; i < size; i++) {
        const at = (next + i) % size; // the oldest first
        if (ring.traceId(at) === traceId) spans.push(ring.get(at));
      }
      if (spans.length === 0) return undefined;
      spans.sort((a, b) => a.startMs - b.startMs);
      return { traceId, spans: spans.slice(0, perTrace) };
    },
  };
}
