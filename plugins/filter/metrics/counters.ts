import {
  type Method,
  type MethodKind,
  type MethodMetrics,
  type MetricsSource,
  type OutcomeMetrics,
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

/** Calls that ended with one status. */
class Outcome {
  readonly #code: StatusCode;
  readonly #buckets = new Float64Array(boundsMs.length + 1);
  #count = 0;
  #totalMs = 0;

  constructor(code: StatusCode) {
    this.#code = code;
  }

  add(tookMs: number): void {
    this.#count++;
    this.#totalMs += tookMs;
    (this.#buckets[bucketOf(tookMs)] as number)++;
  }

  read(): OutcomeMetrics {
    return { code: this.#code, count: this.#count, totalMs: this.#totalMs, buckets: [...this.#buckets] };
  }
}

class MethodCounter implements Counter {
  readonly #method: string;
  readonly #kind: MethodKind;
  readonly #place: Place;
  /** By number of the status; made when the first call ends with it. */
  readonly #outcomes: (Outcome | undefined)[] = Object.values(statusCodes).map(() => undefined);
  #inFlight = 0;

  constructor({ path, kind }: Method, place: Place) {
    this.#method = path;
    this.#kind = kind;
    this.#place = place;
  }

  begin(): void {
    this.#inFlight++;
  }

  end(code: StatusCode, tookMs: number): void {
    this.#inFlight--;
    const number = statusCodes[code];
    const outcome = this.#outcomes[number] ?? new Outcome(code);
    this.#outcomes[number] = outcome;
    outcome.add(tookMs);
  }

  read(): MethodMetrics {
    return {
      method: this.#method,
      kind: this.#kind,
      place: this.#place,
      inFlight: this.#inFlight,
      outcomes: this.#outcomes.flatMap((outcome) => (outcome ? [outcome.read()] : [])),
    };
  }
}

export function counters(): Counters {
  const all = new Map<string, MethodCounter>();
  return {
    boundsMs,
    of(method, place) {
      const key = `${place} ${method.path}`;
      const counter = all.get(key) ?? new MethodCounter(method, place);
      all.set(key, counter);
      return counter;
    },
    read: () => [...all.values()].map((counter) => counter.read()),
  };
}
