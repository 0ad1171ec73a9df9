import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Infer } from "@mortise/kernel/contract";
import {
  bool,
  bytes,
  codecOf,
  double,
  field,
  fixed64,
  int32,
  int64,
  message,
  oneof,
  optional,
  repeated,
  required,
  sfixed64,
  string,
} from "@mortise/kernel/contract";

// The part of OTLP 1.x that is sent, by the numbers of opentelemetry-proto.

const AnyValue = message("otlp.v1.AnyValue", {
  value: oneof({ stringValue: string(1), boolValue: bool(2), intValue: int64(3), doubleValue: double(4) }),
});
const KeyValue = message("otlp.v1.KeyValue", { key: string(1), value: required(field(2, AnyValue)) });
const Resource = message("otlp.v1.Resource", { attributes: repeated(field(1, KeyValue)) });

const Status = message("otlp.v1.Status", { message: string(2), code: int32(3) });
const Span = message("otlp.v1.Span", {
  traceId: bytes(1),
  spanId: bytes(2),
  traceState: string(3),
  parentSpanId: bytes(4),
  name: string(5),
  kind: int32(6),
  startTimeUnixNano: fixed64(7),
  endTimeUnixNano: fixed64(8),
  attributes: repeated(field(9, KeyValue)),
  status: required(field(15, Status)),
});
const ScopeSpans = message("otlp.v1.ScopeSpans", { spans: repeated(field(2, Span)) });
const ResourceSpans = message("otlp.v1.ResourceSpans", {
  resource: required(field(1, Resource)),
  scopeSpans: repeated(field(2, ScopeSpans)),
});
const TraceRequest = message("otlp.v1.TraceRequest", { resourceSpans: repeated(field(1, ResourceSpans)) });

const HistogramPoint = message("otlp.v1.HistogramPoint", {
  startTimeUnixNano: fixed64(2),
  timeUnixNano: fixed64(3),
  count: fixed64(4),
  sum: optional(double(5)),
  bucketCounts: repeated(fixed64(6)),
  explicitBounds: repeated(double(7)),
  attributes: repeated(field(9, KeyValue)),
});
const Histogram = message("otlp.v1.Histogram", {
  dataPoints: repeated(field(1, HistogramPoint)),
  temporality: int32(2),
});
const NumberPoint = message("otlp.v1.NumberPoint", {
  attributes: repeated(field(7, KeyValue)),
  value: oneof({ asDouble: double(4), asInt: sfixed64(6) }),
});
const Sum = message("otlp.v1.Sum", {
  dataPoints: repeated(field(1, NumberPoint)),
  temporality: int32(2),
  monotonic: bool(3),
});
const Gauge = message("otlp.v1.Gauge", { dataPoints: repeated(field(1, NumberPoint)) });
const Metric = message("otlp.v1.Metric", {
  name: string(1),
  unit: string(3),
  data: oneof({ gauge: field(5, Gauge), sum: field(7, Sum), histogram: field(9, Histogram) }),
});
const ScopeMetrics = message("otlp.v1.ScopeMetrics", { metrics: repeated(field(2, Metric)) });
const ResourceMetrics = message("otlp.v1.ResourceMetrics", {
  resource: required(field(1, Resource)),
  scopeMetrics: repeated(field(2, ScopeMetrics)),
});
const MetricsRequest = message("otlp.v1.MetricsRequest", { resourceMetrics: repeated(field(1, ResourceMetrics)) });

/** A span as it arrived. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly state: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** 0 unset, 1 ok, 2 error. */
  readonly status: number;
  readonly message: string;
  readonly resource: Readonly<Record<string, unknown>>;
}

/** A metric as it arrived. */
export type ReceivedMetric = Infer<typeof Metric> & { readonly resource: Readonly<Record<string, unknown>> };

export interface Collector {
  readonly endpoint: string;
  readonly spans: readonly ReceivedSpan[];
  readonly metrics: readonly ReceivedMetric[];
  /** Headers of every request. */
  readonly headers: readonly IncomingMessage["headers"][];
  close(): Promise<void>;
}

/** A server that takes OTLP over HTTP as protobuf. */
export async function collector(): Promise<Collector> {
  const spans: ReceivedSpan[] = [];
  const metrics: ReceivedMetric[] = [];
  const headers: IncomingMessage["headers"][] = [];
  async function take(request: IncomingMessage): Promise<number> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    headers.push(request.headers);
    if (request.url === "/v1/traces") spans.push(...spansOf(body));
    else if (request.url === "/v1/metrics") metrics.push(...metricsOf(body));
    else return 404;
    return 200;
  }
  const server = createServer((request, response) => {
    const answer = (status: number) => response.writeHead(status, { "content-type": "application/x-protobuf" }).end();
    take(request).then(answer, () => answer(400));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    metrics,
    headers,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function spansOf(body: Uint8Array): ReceivedSpan[] {
  const hex = (id: Uint8Array) => Buffer.from(id).toString("hex");
  return codecOf(TraceRequest)
    .decode(body)
    .resourceSpans.flatMap(({ resource, scopeSpans }) =>
      scopeSpans
        .flatMap((scope) => scope.spans)
        .map((span) => ({
          traceId: hex(span.traceId),
          spanId: hex(span.spanId),
          parentSpanId: hex(span.parentSpanId),
          state: span.traceState,
          name: span.name,
          kind: span.kind,
          startNanos: span.startTimeUnixNano,
          endNanos: span.endTimeUnixNano,
          attributes: attributesOf(span.attributes),
          status: span.status.code,
          message: span.status.message,
          resource: attributesOf(resource.attributes),
        })),
    );
}

function metricsOf(body: Uint8Array): ReceivedMetric[] {
  return codecOf(MetricsRequest)
    .decode(body)
    .resourceMetrics.flatMap(({ resource, scopeMetrics }) =>
      scopeMetrics
        .flatMap((scope) => scope.metrics)
        .map((metric) => ({ ...metric, resource: attributesOf(resource.attributes) })),
    );
}

export function attributesOf(list: readonly Infer<typeof KeyValue>[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    list.map(({ key, value }) => {
      const held = value.value?.value;
      return [key, typeof held === "bigint" ? Number(held) : held];
    }),
  );
}
