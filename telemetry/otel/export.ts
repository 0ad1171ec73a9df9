import type { Log, MetricsSource, Ports, Running, Telemetry, TransactionMetricsSource } from "@mortise/kernel";
import { context, DiagLogLevel, diag, logs, metrics, propagation, trace } from "@opentelemetry/api";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { defaultResource, type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import { type CollectionResult, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { BatchSpanProcessor } from "@opentelemetry/sdk-trace";
import { bridge } from "./bridge.ts";
import { diagnostics } from "./diagnostics.ts";
import { metricData } from "./metric-data.ts";
import type { OtelOptions } from "./otel.ts";
import { hrTime, readableSpan, scope } from "./readable-span.ts";
import { serviceSpans } from "./service-spans.ts";
import { sources } from "./sources.ts";
import { transactionData } from "./transaction-data.ts";

/** What could not be sent by then when the plugin stops is lost: whoever stops an app does not wait for a dead collector. */
const stopMs = 3000;

/** Starts the SDK and registers it with the OpenTelemetry API. */
export function startExport(options: OtelOptions, { clock, timers, ids }: Ports, log: Log): Running<Telemetry> {
  const { endpoint, headers, service, delayMs, queueSize, timeoutMs } = options;
  const target = (signal: string) => ({
    url: `${endpoint.replace(/\/+$/, "")}/v1/${signal}`,
    headers,
    timeoutMillis: timeoutMs,
  });
  const resourceOf = resources(options.resource, ids.uuid());
  const spans = new BatchSpanProcessor({
    exporter: new OTLPTraceExporter(target("traces")),
    scheduledDelayMillis: delayMs,
    maxQueueSize: queueSize,
    exportTimeoutMillis: timeoutMs,
  });
  const counted = sources<MetricsSource>(({ boundsMs, ...source }) => ({ boundsMs, read: saying(source.read()) }));
  const transactions = sources<TransactionMetricsSource>((source) => ({ read: saying(source.read()) }));
  const readers = options.metrics
    ? [
        new PeriodicExportingMetricReader({
          exporter: new OTLPMetricExporter(target("metrics")),
          exportIntervalMillis: options.metricsIntervalMs,
          exportTimeoutMillis: Math.min(timeoutMs, options.metricsIntervalMs),
          metricProducers: [{ collect: collector(counted, transactions, clock.wall) }],
        }),
      ]
    : [];
  diag.setLogger(diagnostics(log, clock), DiagLogLevel.WARN);
  const sdk = new NodeSDK({
    resource: resourceOf(service),
    autoDetectResources: false,
    instrumentations: [],
    logRecordProcessors: [],
    spanProcessors: [serviceSpans(spans, resourceOf)],
    metricReaders: readers,
  });
  sdk.start();

  async function flush(): Promise<void> {
    await Promise.allSettled([spans.forceFlush(), ...readers.map((reader) => reader.forceFlush())]);
  }

  return {
    api: {
      bridge,
      flush,
      spans(batch) {
        for (const span of batch) spans.onEnd(readableSpan(span, resourceOf(span.service)));
      },
      metrics: (source) => counted.add(source),
      transactions: (source) => transactions.add(source),
    },
    async stop() {
      const giveUp = new AbortController();
      await Promise.race([
        sdk.shutdown().catch(() => undefined),
        timers.sleep(stopMs, giveUp.signal).catch(() => undefined),
      ]);
      giveUp.abort();
      for (const api of [trace, metrics, logs, propagation, context, diag]) api.disable();
    },
  };
}

/** The resource of each service, made once. */
function resources(attributes: OtelOptions["resource"], instance: string): (service: string) => Resource {
  const known = new Map<string, Resource>();
  const common = { "service.instance.id": instance, ...attributes };
  return (service) => {
    const resource =
      known.get(service) ?? defaultResource().merge(resourceFromAttributes({ ...common, "service.name": service }));
    known.set(service, resource);
    return resource;
  };
}

function saying<T>(value: T): () => T {
  return () => value;
}

function collector(
  counted: Iterable<MetricsSource>,
  transactions: Iterable<TransactionMetricsSource>,
  wall: () => number,
): () => Promise<CollectionResult> {
  const startTime = hrTime(wall());
  const resource = resourceFromAttributes({}); // the reader puts the SDK's in its place
  return async () => {
    const period = { startTime, endTime: hrTime(wall()) };
    const metrics = [...metricData(counted, period), ...transactionData(transactions, period)];
    return { resourceMetrics: { resource, scopeMetrics: [{ scope, metrics }] }, errors: [] };
  };
}
