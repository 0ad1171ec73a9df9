import {
  type Method,
  type MethodMetrics,
  type MetricsSource,
  type Place,
  type StatusCode,
  statusCodes,
} from "@mortise/kernel";
import { boundsMs, bucketOf } from "./histogram.ts";

/** The numbers of one method at one place. */
export interface Counter {
  begin(): void;
  /** A call that had begun is over. */
  end(code: StatusCode, tookMs: number): void;
}

/** All numbers since the start. */
export interface Counters extends MetricsSource {
  /** The counter of a method at a place; the same one every time. */
  of(method: Method, place: Place): Counter;
}

const codes = Object.keys(statusCodes) as StatusCode[];

class MethodCounter implements Counter {
  readonly #method: string;
  readonly #place: Place;
  readonly #calls = new Float64Array(codes.length);
  readonly #buckets = new Float64Array(boundsMs.length + 1);
  #inFlight = 0;
  #totalMs = 0;

  constructor(method: string, place: Place) {
    this.#method = method;
    this.#place = place;
  }

  begin(): void {
    this.#inFlight++;
  }

  end(code: StatusCode, tookMs: number): void {
    this.#inFlight--;
    this.#totalMs += tookMs;
    (this.#calls[statusCodes[code]] as number)++;
    (this.#buckets[bucketOf(tookMs)] as number)++;
  }

  read(): MethodMetrics {
    const calls: Partial<Record<StatusCode, number>> = {};
    for (const code of codes) {
      const count = this.#calls[statusCodes[code]] as number;
      if (count > 0) calls[code] = count;
    }
    return {
      method: this.#method,
      place: this.#place,
      calls,
      inFlight: this.#inFlight,
      totalMs: this.#totalMs,
      buckets: [...this.#buckets],
    };
  }
}

export function counters(): Counters {
  const all = new Map<string, MethodCounter>();
  return {
    boundsMs,
    of({ path }, place) {
      const key = `${place} ${path}`;
      const counter = all.get(key) ?? new MethodCounter(path, place);
      all.set(key, counter);
      return counter;
    },
    read: () => [...all.values()].map((counter) => counter.read()),
  };
}
