import type { TraceContext } from "../call/trace.ts";
import type { Ports } from "../core/ports.ts";
import { spanIds } from "../spi/span-ids.ts";
import type { AttributeValue, SpanRecord, Tracer } from "../spi/tracer.ts";

/** A tracer that keeps every finished span of a sampled trace, for a test to look at. New traces are sampled. */
export function keptSpans({ clock, ids: idPort }: Pick<Ports, "clock" | "ids">): Tracer & {
  readonly spans: readonly SpanRecord[];
} {
  const ids = spanIds(idPort);
  const spans: SpanRecord[] = [];
  const placed = (parent: TraceContext | undefined): TraceContext => {
    if (!parent) return { traceId: ids.trace(), spanId: ids.span(), sampled: true, state: "" };
    const { traceId, state, sampled } = parent;
    return sampled ? { traceId, spanId: ids.span(), sampled, state } : parent;
  };
  return {
    spans,
    start({ name, kind, service, parent, attributes: given, startMs = clock.wall() }) {
      const trace = placed(parent);
      let attributes: Record<string, AttributeValue> = { ...given };
      return {
        context: trace,
        set(attribute, value) {
          attributes[attribute] = value;
        },
        setAll(all) {
          attributes = { ...all };
        },
        end(code, message = "", atMs = clock.wall()) {
          if (!trace.sampled) return;
          const parentSpanId = parent?.spanId ?? "";
          spans.push({
            trace,
            parentSpanId,
            name,
            kind,
            service,
            startMs,
            durationMs: atMs - startMs,
            code,
            message,
            attributes,
          });
        },
      };
    },
    flush: async () => undefined,
    get counts() {
      return { recorded: spans.length, dropped: 0 };
    },
  };
}
