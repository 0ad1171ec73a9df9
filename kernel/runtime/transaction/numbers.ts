import type { TransactionCount } from "../../spi/coordinator.ts";
import type { BatchMetrics, PreparedMetrics, TransactionMetrics, TransactionMetricsSource } from "../../spi/metrics.ts";

/** Counts what this process does about transactions. */
export interface TransactionCounters {
  begun(name: string, strategy: string): void;
  /** @param reason why it was aborted; undefined where it was committed */
  ended(name: string, strategy: string, reason: string | undefined): void;
  /** It was left for later after a round of attempts. */
  left(name: string, strategy: string): void;
}

export interface KeptNumbers extends TransactionCounters, TransactionMetricsSource {
  /** Keeps what the coordinator and the databases said last. */
  sampled(open: readonly TransactionCount[], prepared: readonly PreparedMetrics[]): void;
}

interface Counter {
  readonly name: string;
  readonly strategy: string;
  readonly aborted: Record<string, number>;
  begun: number;
  committed: number;
  rounds: number;
}

/**
 * @param underWay name and strategy of every transaction that is driven here now
 * @param batches what became of branches that were done together here
 */
export function keptNumbers(
  underWay: () => Iterable<{ readonly name: string; readonly strategy: string }>,
  batches: () => readonly BatchMetrics[],
): KeptNumbers {
  const counters = new Map<string, Counter>();
  let open: readonly TransactionCount[] = [];
  let prepared: readonly PreparedMetrics[] = [];
  const of = (name: string, strategy: string): Counter => {
    const key = `${name}\0${strategy}`;
    const counter = counters.get(key) ?? { name, strategy, aborted: {}, begun: 0, committed: 0, rounds: 0 };
    counters.set(key, counter);
    return counter;
  };
  return {
    begun(name, strategy) {
      of(name, strategy).begun++;
    },
    ended(name, strategy, reason) {
      const counter = of(name, strategy);
      if (reason === undefined) counter.committed++;
      else counter.aborted[reason] = (counter.aborted[reason] ?? 0) + 1;
    },
    left(name, strategy) {
      of(name, strategy).rounds++;
    },
    sampled(openNow, preparedNow) {
      open = openNow;
      prepared = preparedNow;
    },
    read() {
      const inFlight = new Map<Counter, number>();
      for (const { name, strategy } of underWay()) {
        const counter = of(name, strategy);
        inFlight.set(counter, (inFlight.get(counter) ?? 0) + 1);
      }
      const driven = [...counters.values()].map(
        (counter): TransactionMetrics => ({
          ...counter,
          aborted: { ...counter.aborted },
          inFlight: inFlight.get(counter) ?? 0,
        }),
      );
      return { driven, open, prepared, batches: batches() };
    },
  };
}
