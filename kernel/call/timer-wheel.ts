import type { Clock, Timer, Timers } from "../core/ports.ts";

/** The part of the ports that deadlines need. */
export interface TimePorts {
  readonly clock: Clock;
  readonly timers: Timers;
}

/** Something that was set on the wheel. */
export interface WheelTimer {
  /** Harmless when repeated or when it has run. */
  cancel(): void;
}

/**
 * One timer for any number of deadlines: setting and cancelling one costs a few pointers. Deadlines run at most
 * {@link tickMs} and the lateness of a timer after they are due, never before.
 */
export interface DeadlineWheel {
  /** Monotonic milliseconds of the clock it turns by. */
  now(): number;
  /** Runs `run` when `now()` has reached `deadline`; soon, but never at once, when that is past. Infinity never comes. */
  at(deadline: number, run: () => void): WheelTimer;
  /** How many are set. */
  readonly size: number;
}

/** Width of a slot of the wheel in milliseconds. */
export const tickMs = 4;

const slotCount = 1024;

const wheels = new WeakMap<TimePorts, Wheel>();

/** The wheel of these ports; the same ports give the same wheel. */
export function deadlineWheel(ports: TimePorts): DeadlineWheel {
  const known = wheels.get(ports);
  if (known) return known;
  const wheel = new Wheel(ports);
  wheels.set(ports, wheel);
  return wheel;
}

/** One deadline, linked into the list of its slot. */
class Entry implements WheelTimer {
  readonly wheel: Wheel;
  readonly tick: number;
  readonly run: () => void;
  previous: Entry | undefined;
  next: Entry | undefined;
  linked = false;

  constructor(wheel: Wheel, tick: number, run: () => void) {
    this.wheel = wheel;
    this.tick = tick;
    this.run = run;
  }

  cancel(): void {
    this.wheel.remove(this);
  }
}

const never: WheelTimer = Object.freeze({ cancel: () => undefined });

/**
 * A hashed wheel (Varghese and Lauck, 1987, scheme 6): slot `tick % slotCount` holds the deadlines of that tick of every
 * round. It sleeps until the next slot that is not empty.
 */
class Wheel implements DeadlineWheel {
  size = 0;
  readonly #ports: TimePorts;
  readonly #slots: (Entry | undefined)[] = new Array(slotCount).fill(undefined);
  /** The last tick whose slot was looked at. */
  #turned = 0;
  #wakeTick = Number.POSITIVE_INFINITY;
  #timer: Timer | undefined;
  readonly #wake = () => this.#turn();

  constructor(ports: TimePorts) {
    this.#ports = ports;
  }

  now(): number {
    return this.#ports.clock.now();
  }

  at(deadline: number, run: () => void): WheelTimer {
    if (deadline === Number.POSITIVE_INFINITY) return never;
    if (this.size === 0) this.#turned = Math.max(this.#turned, Math.floor(this.now() / tickMs));
    const tick = Math.max(Math.ceil(deadline / tickMs), this.#turned + 1);
    const entry = new Entry(this, tick, run);
    const slot = tick % slotCount;
    const first = this.#slots[slot];
    entry.next = first;
    if (first) first.previous = entry;
    this.#slots[slot] = entry;
    entry.linked = true;
    this.size++;
    if (tick < this.#wakeTick) this.#sleepUntil(tick);
    return entry;
  }

  remove(entry: Entry): void {
    if (!entry.linked) return;
    const { previous, next } = entry;
    if (previous) previous.next = next;
    else this.#slots[entry.tick % slotCount] = next;
    if (next) next.previous = previous;
    entry.previous = entry.next = undefined;
    entry.linked = false;
    this.size--;
  }

  #sleepUntil(tick: number): void {
    this.#timer?.cancel();
    this.#wakeTick = tick;
    this.#timer = this.#ports.timers.after(Math.max(0, tick * tickMs - this.now()), this.#wake);
  }

  #turn(): void {
    this.#timer = undefined;
    this.#wakeTick = Number.POSITIVE_INFINITY;
    const reached = Math.floor(this.now() / tickMs);
    const from = Math.max(this.#turned + 1, reached - slotCount + 1);
    this.#turned = Math.max(this.#turned, reached);
    for (let tick = from; tick <= reached; tick++) this.#expire(tick % slotCount, reached);
    const next = this.#nextTick();
    if (next < this.#wakeTick) this.#sleepUntil(next);
  }

  #expire(slot: number, reached: number): void {
    const due: Entry[] = [];
    for (let entry = this.#slots[slot]; entry; entry = entry.next) {
      if (entry.tick <= reached) due.push(entry);
    }
    for (const entry of due.reverse()) {
      if (!entry.linked) continue; // one that ran before has cancelled it
      this.remove(entry);
      guard(entry.run);
    }
  }

  /** The tick of the next slot that is not empty, this round or a later one. */
  #nextTick(): number {
    if (this.size === 0) return Number.POSITIVE_INFINITY;
    for (let tick = this.#turned + 1; tick <= this.#turned + slotCount; tick++) {
      if (this.#slots[tick % slotCount]) return tick;
    }
    return Number.POSITIVE_INFINITY;
  }
}

/** An error of one deadline is the process's to report and must not keep the others from running. */
function guard(run: () => void): void {
  try {
    run();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
