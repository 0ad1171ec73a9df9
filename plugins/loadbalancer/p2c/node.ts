import type { Clock, Instance, Outcome, Picked, StatusCode } from "@mortise/kernel";

/** What counts against an instance (go-zero's list). */
const failures: ReadonlySet<StatusCode> = new Set([
  "DEADLINE_EXCEEDED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNIMPLEMENTED",
  "RESOURCE_EXHAUSTED",
]);

/** The share of good calls, in thousandths, an instance needs to be healthy (go-zero's `throttleSuccess`). */
const healthyAbove = 500;

/** What a method knows of an instance. Also the object that picks of it return. */
export class Node implements Picked {
  readonly instance: Instance;
  /** When it was picked last, in monotonic milliseconds. */
  pickedAt: number;
  /** Moving average of how long calls take, in milliseconds; 0 before the first has ended. */
  #lagMs = 0;
  /** Moving average of 1000 for a good call and 0 for a bad one. */
  #success = 1000;
  #inFlight = 0;
  #endedAt: number;
  readonly #decayMs: number;
  readonly #clock: Clock;

  constructor(instance: Instance, decayMs: number, clock: Clock) {
    this.instance = instance;
    this.#decayMs = decayMs;
    this.#clock = clock;
    this.pickedAt = this.#endedAt = clock.now();
  }

  get healthy(): boolean {
    return this.#success > healthyAbove;
  }

  /** go-zero's load, the square root of the delay in nanoseconds by the calls under way. */
  get load(): number {
    return Math.sqrt(this.#lagMs * 1e6 + 1) * (this.#inFlight + 1);
  }

  picked(now: number): this {
    this.pickedAt = now;
    this.#inFlight++;
    return this;
  }

  /** Bound, because it is called without its object. */
  readonly done = ({ tookMs, code }: Outcome): void => {
    this.#inFlight--;
    const now = this.#clock.now();
    const old = Math.exp((this.#endedAt - now) / this.#decayMs);
    this.#endedAt = now;
    this.#lagMs = this.#lagMs === 0 ? tookMs : this.#lagMs * old + tookMs * (1 - old);
    this.#success = this.#success * old + (failures.has(code) ? 0 : 1000) * (1 - old);
  };
}
