import type { MethodMetrics, MetricsSource, OutcomeMetrics } from "@mortise/kernel";
import { type Attributes, type HrTime, ValueType } from "@opentelemetry/api";
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
} from "@opentelemetry/sdk-metrics";

/** From when to when the numbers count. */
export interface Period {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
}

/** One histogram per kind of measurement, in seconds. */
interface Instrument {
  readonly name: string;
  readonly description: string;
}

/** By the semantic conventions 1.45; those of messaging are still experimental, that of attempts is ours. */
const instruments = {
  "rpc call": { name: "rpc.client.call.duration", description: "Duration of outbound calls" },
  "rpc attempt": {
    name: "mortise.client.attempt.duration",
    description: "Duration of single attempts of outbound calls",
  },
  "rpc provider": { name: "rpc.server.call.duration", description: "Duration of handled calls" },
  "event call": { name: "messaging.client.operation.duration", description: "Duration of publishing events" },
  "event attempt": { name: "messaging.client.operation.duration", description: "Duration of publishing events" },
  "event provider": { name: "messaging.process.duration", description: "Duration of handling events" },
} as const satisfies Readonly<Record<string, Instrument>>;

const inFlight = {
  name: "mortise.calls.in_flight",
  description: "Calls under way",
  unit: "{call}",
  valueType: ValueType.INT,
};

/** What the sources say now, as exporters of the SDK read it. */
export function metricData(sources: Iterable<MetricsSource>, period: Period): MetricData[] {
  const histograms = new Map<Instrument, DataPoint<Histogram>[]>();
  const underWay: DataPoint<number>[] = [];
  for (const source of sources) {
    for (const method of source.read()) {
      underWay.push({
        ...period,
        attributes: { ...methodAttributes(method), "mortise.place": method.place },
        value: method.inFlight,
      });
      const instrument = instruments[`${method.kind === "event" ? "event" : "rpc"} ${method.place}`];
      const points = histograms.get(instrument) ?? [];
      histograms.set(instrument, points);
      for (const outcome of method.outcomes) points.push(histogramPoint(method, outcome, source.boundsMs, period));
    }
  }
  const durations = [...histograms].map(([instrument, dataPoints]): MetricData => histogram(instrument, dataPoints));
  if (underWay.length === 0) return durations;
  const gauge: MetricData = {
    descriptor: inFlight,
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.SUM,
    isMonotonic: false,
    dataPoints: underWay,
  };
  return [...durations, gauge];
}

function histogram({ name, description }: Instrument, dataPoints: DataPoint<Histogram>[]): MetricData {
  return {
    descriptor: { name, description, unit: "s", valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints,
  };
}

function histogramPoint(
  method: MethodMetrics,
  { code, count, totalMs, buckets }: OutcomeMetrics,
  boundsMs: readonly number[],
  period: Period,
): DataPoint<Histogram> {
  const merged = merge(boundsMs, buckets);
  return {
    ...period,
    attributes: {
      ...methodAttributes(method),
      ...(method.kind !== "event" && { "rpc.status_code": code }),
      ...(code !== "OK" && { "error.type": code }),
    },
    value: {
      buckets: { boundaries: merged.bounds.map((ms) => ms / 1000), counts: merged.counts },
      count,
      sum: totalMs / 1000,
    },
  };
}

function methodAttributes({ method, kind, place }: MethodMetrics): Attributes {
  if (kind !== "event") return { "rpc.method": method };
  return {
    "messaging.destination.name": method.replace("/", "."),
    "messaging.operation.name": place === "provider" ? "process" : "send",
  };
}

/** Two neighbours as one bucket: half as much to send, and still two per doubling. */
export function merge(boundsMs: readonly number[], buckets: readonly number[]): { bounds: number[]; counts: number[] } {
  const bounds: number[] = [];
  const counts: number[] = [];
  for (let i = 0; i < buckets.length; i += 2) {
    counts.push((buckets[i] ?? 0) + (buckets[i + 1] ?? 0));
    const bound = boundsMs[i + 1];
    if (bound !== undefined) bounds.push(bound);
  }
  if (counts.length === bounds.length) counts.push(0);
  return { bounds, counts };
}
