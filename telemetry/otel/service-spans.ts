import type { Context } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan, Span, SpanProcessor } from "@opentelemetry/sdk-trace";
import { serviceKey } from "./bridge.ts";

/** Hands spans of user code on as spans of the service in whose handler they were made. */
export function serviceSpans(next: SpanProcessor, resourceOf: (service: string) => Resource): SpanProcessor {
  const services = new WeakMap<object, string>();
  return {
    onStart(span: Span, parent: Context) {
      const service = parent.getValue(serviceKey);
      if (typeof service === "string") services.set(span, service);
      next.onStart(span, parent);
    },
    onEnd(span: ReadableSpan) {
      const service = services.get(span);
      next.onEnd(service === undefined ? span : withResource(span, resourceOf(service)));
    },
    forceFlush: () => next.forceFlush(),
    shutdown: () => next.shutdown(),
  };
}

function withResource(span: ReadableSpan, resource: Resource): ReadableSpan {
  const { name, kind, parentSpanContext, startTime, endTime, duration, ended, status, attributes, links, events } =
    span;
  const { instrumentationScope, droppedAttributesCount, droppedEventsCount, droppedLinksCount } = span;
  const context = span.spanContext();
  return {
    name,
    kind,
    spanContext: () => context,
    ...(parentSpanContext && { parentSpanContext }),
    startTime,
    endTime,
    duration,
    ended,
    status,
    attributes,
    links,
    events,
    resource,
    instrumentationScope,
    droppedAttributesCount,
    droppedEventsCount,
    droppedLinksCount,
  };
}
