import type { TransactionMetricsSource, TransactionNumbers } from "@mortise/kernel";
import { type Attributes, ValueType } from "@opentelemetry/api";
import { AggregationTemporality, type DataPoint, DataPointType, type MetricData } from "@opentelemetry/sdk-metrics";
import type { Period } from "./metric-data.ts";

type Point = readonly [value: number, attributes: Attributes];

interface Instrument {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  /** `counter` only ever goes up; `gauge` is what is so now. */
  readonly kind: "counter" | "gauge";
  points(numbers: TransactionNumbers): readonly Point[];
}

const about = ({ name, strategy }: { readonly name: string; readonly strategy: string }): Attributes => ({
  "mortise.transaction.name": name,
  "mortise.transaction.strategy": strategy,
});
const open = ({ status, ...one }: TransactionNumbers["open"][number]): Attributes => ({
  ...about(one),
  "mortise.transaction.status": status,
});
const held = ({ participant }: TransactionNumbers["prepared"][number]): Attributes => ({
  "mortise.transaction.participant": participant,
});

const together = ({ participant, operation }: TransactionNumbers["batches"][number]): Attributes => ({
  "mortise.transaction.participant": participant,
  "mortise.transaction.operation": operation,
});

/** There are no conventions for transactions; these names are ours. */
const instruments: readonly Instrument[] = [
  {
    ...{ name: "mortise.transactions.begun", description: "Transactions begun", unit: "{transaction}" },
    kind: "counter",
    points: ({ driven }) => driven.map((one) => [one.begun, about(one)]),
  },
  {
    ...{ name: "mortise.transactions.ended", description: "Transactions ended", unit: "{transaction}" },
    kind: "counter",
    points: ({ driven }) =>
      driven.flatMap((one): Point[] => [
        [one.committed, { ...about(one), "mortise.transaction.outcome": "committed" }],
        ...Object.entries(one.aborted).map(
          ([reason, count]): Point => [
            count,
            { ...about(one), "mortise.transaction.outcome": "aborted", "error.type": reason },
          ],
        ),
      ]),
  },
  {
    ...{ name: "mortise.transactions.retries", description: "Rounds that left one for later", unit: "{round}" },
    kind: "counter",
    points: ({ driven }) => driven.map((one) => [one.rounds, about(one)]),
  },
  {
    ...{ name: "mortise.transactions.in_flight", description: "Driven by this process", unit: "{transaction}" },
    kind: "gauge",
    points: ({ driven }) => driven.map((one) => [one.inFlight, about(one)]),
  },
  {
    ...{ name: "mortise.transactions.open", description: "Not ended, anywhere", unit: "{transaction}" },
    kind: "gauge",
    points: (numbers) => numbers.open.map((one) => [one.count, open(one)]),
  },
  {
    ...{ name: "mortise.transactions.stuck", description: "Need a person, anywhere", unit: "{transaction}" },
    kind: "gauge",
    points: (numbers) => numbers.open.map((one) => [one.stuck, open(one)]),
  },
  {
    ...{ name: "mortise.transactions.age", description: "Age of the oldest that has not ended", unit: "s" },
    kind: "gauge",
    points: (numbers) => numbers.open.map((one) => [one.oldestMs / 1000, open(one)]),
  },
  {
    ...{ name: "mortise.transactions.prepared", description: "Prepared transactions that wait", unit: "{transaction}" },
    kind: "gauge",
    points: ({ prepared }) => prepared.map((one) => [one.count, held(one)]),
  },
  {
    ...{ name: "mortise.transactions.prepared.age", description: "Age of the oldest prepared transaction", unit: "s" },
    kind: "gauge",
    points: ({ prepared }) => prepared.map((one) => [one.oldestMs / 1000, held(one)]),
  },
  {
    ...{ name: "mortise.transactions.batches", description: "Branches done together", unit: "{batch}" },
    kind: "counter",
    points: ({ batches }) => batches.map((one) => [one.batches, together(one)]),
  },
  {
    ...{ name: "mortise.transactions.batches.failed", description: "Batches done one by one", unit: "{batch}" },
    kind: "counter",
    points: ({ batches }) => batches.map((one) => [one.failed, together(one)]),
  },
];

/** What is said about transactions now, as exporters of the SDK read it; nothing where nobody says anything. */
export function transactionData(sources: Iterable<TransactionMetricsSource>, period: Period): MetricData[] {
  const numbers = Array.from(sources, (source) => source.read());
  return instruments.flatMap((instrument) => {
    const points = numbers.flatMap((one) => instrument.points(one));
    return points.length === 0 ? [] : [metric(instrument, points, period)];
  });
}

function metric({ name, description, unit, kind }: Instrument, points: readonly Point[], period: Period): MetricData {
  const valueType = unit === "s" ? ValueType.DOUBLE : ValueType.INT;
  const dataPoints = points.map(([value, attributes]): DataPoint<number> => ({ ...period, value, attributes }));
  const descriptor = { name, description, unit, valueType };
  const aggregationTemporality = AggregationTemporality.CUMULATIVE;
  if (kind === "gauge") return { descriptor, aggregationTemporality, dataPointType: DataPointType.GAUGE, dataPoints };
  return { descriptor, aggregationTemporality, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
}
