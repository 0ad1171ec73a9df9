import { type Instance, isFailure, type Outcome, type Picked } from "@mortise/kernel";

/** The stretch of time that averages are about; it is the same for all instances of a method. */
export interface Slide {
  number: number;
}

/** Steps of an average per doubling: averages within about a fifth of each other count as equal, and weight decides. */
const stepsPerDoubling = 4;

/** Shorter averages count as this, in milliseconds, so that calls under way always count. */
const shortestMs = 0.01;

/** What a method knows of an instance. Also the object that picks of it return. */
export class Estimate implements Picked {
  readonly instance: Instance;
  readonly #changed: () => void;
  readonly #slide: Slide;
  readonly #timeoutMs: number;
  #active = 0;
  #number: number;
  #ended = 0;
  #elapsedMs = 0;
  #averageMs = 0;

  constructor(instance: Instance, changed: () => void, slide: Slide, timeoutMs: number) {
    this.instance = instance;
    this.#changed = changed;
    this.#slide = slide;
    this.#timeoutMs = timeoutMs;
    this.#number = slide.number;
  }

  /**
   * How long the next call would take, in milliseconds: the average of this slide by the calls under way and that one (Dubbo's
   * estimate). Nothing known and nothing under way: 0, so that it is tried. While only the first try is under way, it
   * counts as one that takes the whole timeout.
   */
  get load(): number {
    if (this.#number !== this.#slide.number || this.#ended === 0) return this.#active * this.#timeoutMs;
    return this.#averageMs * (this.#active + 1);
  }

  picked(): this {
    this.#active++;
    this.#changed();
    return this;
  }

  /** Bound, because it is called without its object. */
  readonly done = ({ tookMs, code }: Outcome): void => {
    this.#active--;
    if (code !== "CANCELLED") this.#add(code !== "OK" && isFailure(code) ? this.#timeoutMs : tookMs);
    this.#changed();
  };

  #add(elapsedMs: number): void {
    if (this.#number !== this.#slide.number) {
      this.#number = this.#slide.number;
      this.#ended = 0;
      this.#elapsedMs = 0;
    }
    this.#ended++;
    this.#elapsedMs += elapsedMs;
    this.#averageMs = stepped(this.#elapsedMs / this.#ended);
  }
}

function stepped(ms: number): number {
  return 2 ** (Math.round(Math.log2(Math.max(shortestMs, ms)) * stepsPerDoubling) / stepsPerDoubling);
}
