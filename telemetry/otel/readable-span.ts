import type { SpanKind, SpanRecord, StatusCode, TraceContext } from "@mortise/kernel";
import {
  type Attributes,
  createTraceState,
  SpanKind as OtelKind,
  type SpanContext,
  SpanStatusCode,
  TraceFlags,
} from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";

export const scope = { name: "@mortise/telemetry" };

const kinds: Readonly<Record<SpanKind, OtelKind>> = {
  internal: OtelKind.INTERNAL,
  server: OtelKind.SERVER,
  client: OtelKind.CLIENT,
  producer: OtelKind.PRODUCER,
  consumer: OtelKind.CONSUMER,
};

/** What a server answers with these is no failure of the server's (semantic conventions 1.45, gRPC). */
const clientFaults: ReadonlySet<StatusCode> = new Set([
  "CANCELLED",
  "INVALID_ARGUMENT",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNAUTHENTICATED",
]);

/** A span of ours as exporters of the SDK read it. */
export function readableSpan(span: SpanRecord, resource: Resource): ReadableSpan {
  const { trace, parentSpanId, name, kind, startMs, durationMs } = span;
  const context = spanContextOf(trace);
  const remote = kind === "server" || kind === "consumer";
  return {
    name,
    kind: kinds[kind],
    spanContext: () => context,
    ...(parentSpanId !== "" && { parentSpanContext: { ...context, spanId: parentSpanId, isRemote: remote } }),
    startTime: hrTime(startMs),
    endTime: hrTime(startMs + durationMs),
    duration: hrTime(durationMs),
    ended: true,
    status: statusOf(span),
    attributes: attributesOf(span),
    resource,
    instrumentationScope: scope,
    links: [],
    events: [],
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

export function spanContextOf({ traceId, spanId, sampled, state }: TraceContext): SpanContext {
  return {
    traceId,
    spanId,
    traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    ...(state !== "" && { traceState: createTraceState(state) }),
  };
}

/** Seconds and nanoseconds of wall milliseconds with fractions. */
export function hrTime(ms: number): [seconds: number, nanos: number] {
  const seconds = Math.floor(ms / 1000);
  const nanos = Math.round((ms - seconds * 1000) * 1e6);
  return nanos < 1e9 ? [seconds, nanos] : [seconds + 1, 0];
}

function statusOf({ kind, code, message }: SpanRecord): ReadableSpan["status"] {
  if (code === "OK" || (kind === "server" && clientFaults.has(code))) return { code: SpanStatusCode.UNSET };
  return { code: SpanStatusCode.ERROR, ...(message !== "" && { message }) };
}

function attributesOf({ attributes, code }: SpanRecord): Attributes {
  const isCall = attributes["rpc.method"] !== undefined;
  return {
    ...attributes,
    ...(isCall && { "rpc.status_code": code }),
    ...(code !== "OK" && { "error.type": code }),
  };
}
