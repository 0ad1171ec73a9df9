import { type Tracer, trace } from "@opentelemetry/api";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";

/** The tracer user code gets from the OpenTelemetry API: that of whatever SDK is registered, or one that does nothing. */
export function userTracer(): Tracer {
  return trace.getTracer("user");
}

/** A tracer of the SDK with a batch processor and an exporter that drops everything. */
export function sdkTracer(ratio: number): Tracer {
  const exporter: SpanExporter = {
    export: (_spans, done) => done({ code: 0 }),
    shutdown: async () => undefined,
  };
  const sampler = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) });
  return new TracerProvider({ sampler, spanProcessors: [new BatchSpanProcessor({ exporter })] }).getTracer("user");
}

/** Makes a span of a new trace, sets an attribute, ends it. */
export function foreignSpan(tracer: Tracer, name: string, attributes: Readonly<Record<string, string>>): void {
  const span = tracer.startSpan(name, { root: true, kind: 1, attributes });
  span.setAttribute("server.port", 50051);
  span.end();
}
