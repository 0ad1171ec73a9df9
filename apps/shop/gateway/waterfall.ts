import type { SpanRecord, TraceView } from "@mortise/kernel";

/** One bar of a waterfall. Positions are shares of the whole trace, from 0 to 1. */
export interface Bar {
  readonly span: SpanRecord;
  readonly depth: number;
  readonly start: number;
  readonly width: number;
}

export interface Waterfall {
  readonly durationMs: number;
  readonly startMs: number;
  /** Parents before their children, siblings by start. */
  readonly bars: readonly Bar[];
  /** The services that took part, in order of their first span. */
  readonly services: readonly string[];
}

/** Arranges the spans of a trace. A span whose parent is not there stands at the top. */
export function waterfall({ spans }: TraceView): Waterfall {
  const ordered = [...spans].sort((a, b) => a.startMs - b.startMs);
  const startMs = ordered[0]?.startMs ?? 0;
  const endMs = ordered.reduce((end, span) => Math.max(end, span.startMs + span.durationMs), startMs);
  const durationMs = endMs - startMs;
  const share = (ms: number) => (durationMs === 0 ? 0 : ms / durationMs);
  const known = new Set(ordered.map((span) => span.trace.spanId));
  const parentOf = (span: SpanRecord) => (known.has(span.parentSpanId) ? span.parentSpanId : "");
  const children = Map.groupBy(ordered, parentOf);
  const bars: Bar[] = [];
  const seen = new Set<SpanRecord>();

  function add(span: SpanRecord, depth: number): void {
    if (seen.has(span)) return;
    seen.add(span);
    bars.push({ span, depth, start: share(span.startMs - startMs), width: share(span.durationMs) });
    for (const child of children.get(span.trace.spanId) ?? []) add(child, depth + 1);
  }

  for (const root of children.get("") ?? []) add(root, 0);
  for (const span of ordered) add(span, 0);
  return { durationMs, startMs, bars, services: [...new Set(ordered.map((span) => span.service))] };
}
