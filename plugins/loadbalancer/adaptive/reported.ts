import { type Clock, type Instance, isFailure, type Outcome, type Picked } from "@mortise/kernel";
import { readLoadReport } from "@mortise/kernel/spi/load-report";

/** Weight of the past in the average of reported times (Dubbo's β). */
const beta = 0.5;

/** An instance that says it is idle counts as this busy, so that calls under way and times count all the same. */
const idle = 0.01;

/** An instance that has said nothing counts as saturated. */
const unknown = 1;

/** Counts are halved beyond this many calls, so that an old outage is forgotten. */
const callsRemembered = 1000;

/** What a method knows of an instance. Also the object that picks of it return. */
export class Reported implements Picked {
  readonly instance: Instance;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #busy = unknown;
  /** Average of the times the instance took by its own account, in milliseconds, as of `#reportedAt`. */
  #averageMs = 0;
  #reportedAt = Number.NEGATIVE_INFINITY;
  #pickedAt = Number.NEGATIVE_INFINITY;
  #requests = 0;
  #successes = 0;
  #inFlight = 0;

  constructor(instance: Instance, clock: Clock, timeoutMs: number) {
    this.instance = instance;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * `busy × (√average + 1) × (calls under way + 1) / ((successes + 1) / (requests + 1) × weight + 1)`, Dubbo's but for the one
   * beside the successes; 0 for an instance that was not picked for two timeouts, which is thereby picked.
   */
  load(weight: number, now: number): number {
    if (now - this.#pickedAt > 2 * this.#timeoutMs) return 0;
    const trust = ((this.#successes + 1) / (this.#requests + 1)) * weight + 1;
    return (this.#busy * (Math.sqrt(this.#averageAt(now)) + 1) * (this.#inFlight + 1)) / trust;
  }

  picked(now: number): this {
    this.#pickedAt = now;
    this.#inFlight++;
    this.#requests++;
    return this;
  }

  /** Bound, because it is called without its object. */
  readonly done = ({ code, trailers }: Outcome): void => {
    this.#inFlight--;
    if (code === "OK" || !isFailure(code)) this.#successes++;
    if (this.#requests > callsRemembered) {
      this.#requests /= 2;
      this.#successes /= 2;
    }
    const report = trailers && readLoadReport(trailers());
    if (!report) return;
    const now = this.#clock.now();
    this.#averageMs = beta * this.#averageAt(now) + (1 - beta) * report.tookMs;
    this.#busy = Math.max(idle, report.load);
    this.#reportedAt = now;
  };

  /** Halves with every timeout that passes without a report. */
  #averageAt(now: number): number {
    if (this.#averageMs === 0) return 0;
    return this.#averageMs / 2 ** Math.floor((now - this.#reportedAt) / this.#timeoutMs);
  }
}
