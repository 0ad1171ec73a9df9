import type { TraceBridge, TraceContext } from "@mortise/kernel";
import { context, createContextKey, isSpanContextValid, TraceFlags, trace as traces } from "@opentelemetry/api";
import { spanContextOf } from "./readable-span.ts";

/** The span we put into the context of the API, to know it from the spans of others. */
const ours = createContextKey("mortise span");

/** The service whose handler runs. */
export const serviceKey = createContextKey("mortise service");

/** Joins spans made with the OpenTelemetry API with ours. */
export const bridge: TraceBridge = {
  active(): TraceContext | undefined {
    const active = context.active();
    const span = traces.getSpan(active);
    if (!span || span === active.getValue(ours)) return undefined;
    const { traceId, spanId, traceFlags, traceState } = span.spanContext();
    if (!isSpanContextValid({ traceId, spanId, traceFlags })) return undefined;
    return { traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0, state: traceState?.serialize() ?? "" };
  },
  run(trace, service, work) {
    const span = traces.wrapSpanContext(spanContextOf(trace));
    const active = traces.setSpan(context.active(), span).setValue(ours, span).setValue(serviceKey, service);
    return context.with(active, work);
  },
};
