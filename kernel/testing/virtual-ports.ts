import type { Ids, Ports, Random, Timer, Timers } from "../core/ports.ts";

export interface VirtualPortsOptions {
  /** Start of the random numbers; the same seed gives the same numbers. Default 1. */
  readonly seed?: number;
  /** Wall time at the start, in milliseconds since 1970. Default 2026-01-01. */
  readonly wall?: number;
}

/** Ports whose time stands still until it is moved. Random numbers are seeded, ids are counted. */
export interface VirtualPorts extends Ports {
  /** Timers that are set and not yet due. */
  readonly pending: number;
  /**
   * Moves time forward by `ms` and runs the timers that fall due, in order, each at its own moment. Promises that
   * wait on them settle before the next timer runs. An error of a timer ends it and is thrown here.
   */
  advance(ms: number): Promise<void>;
  /**
   * Moves time from timer to timer until `work` settles, and gives its outcome. For work that waits on these timers
   * only: throws if it is open after `limitMs` of virtual time (default one hour) or when no timer is left to end it.
   */
  settle<T>(work: Promise<T>, limitMs?: number): Promise<T>;
}

/** Makes ports for a test. `clock.now()` starts at 0. */
export function virtualPorts({ seed = 1, wall = Date.UTC(2026, 0, 1) }: VirtualPortsOptions = {}): VirtualPorts {
  const queue = timerQueue();
  let now = 0;

  async function advance(ms: number): Promise<void> {
    const end = now + ms;
    await turn();
    for (let due = queue.next(); due <= end; due = queue.next()) {
      now = Math.max(now, due);
      queue.run();
      await turn();
    }
    now = end;
  }

  async function settle<T>(work: Promise<T>, limitMs = 3_600_000): Promise<T> {
    const end = now + limitMs;
    let open = true;
    const close = () => {
      open = false;
    };
    work.then(close, close);
    for (await turn(); open; await turn()) {
      const due = queue.next();
      if (due > end) throw new Error(`still open after ${limitMs} ms of virtual time; ${queue.size()} timers are set`);
      now = Math.max(now, due);
      queue.run();
    }
    return work;
  }

  return {
    clock: { now: () => now, wall: () => wall + now },
    timers: timersOn(queue, () => now),
    random: seededRandom(seed),
    ids: countedIds(),
    get pending() {
      return queue.size();
    },
    advance,
    settle,
  };
}

/** Lets everything run that is ready to run: promise jobs and what they start at once. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

interface TimerQueue {
  add(due: number, run: () => void): Timer;
  /** When the next timer is due; Infinity without one. */
  next(): number;
  /** Takes the next timer and runs it. */
  run(): void;
  size(): number;
}

interface Entry {
  readonly due: number;
  readonly run: () => void;
}

/** Timers ordered by the moment they are due; those of one moment in the order they were set. */
function timerQueue(): TimerQueue {
  const entries: Entry[] = [];
  return {
    add(due, run) {
      const entry = { due, run };
      entries.splice(firstAfter(entries, due), 0, entry);
      return { cancel: () => remove(entries, entry) };
    },
    next: () => entries[0]?.due ?? Number.POSITIVE_INFINITY,
    run: () => entries.shift()?.run(),
    size: () => entries.length,
  };
}

function remove(entries: Entry[], entry: Entry): void {
  const at = entries.indexOf(entry);
  if (at >= 0) entries.splice(at, 1);
}

function firstAfter(entries: readonly Entry[], due: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle] as Entry).due <= due) low = middle + 1;
    else high = middle;
  }
  return low;
}

function timersOn(queue: TimerQueue, now: () => number): Timers {
  const after = (ms: number, run: () => void) => queue.add(now() + Math.max(0, ms), run);
  return {
    after,
    every(ms, run) {
      const again = (): Timer =>
        after(Math.max(1, ms), () => {
          timer = again();
          run();
        });
      let timer = again();
      return { cancel: () => timer.cancel() };
    },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const timer = after(ms, () => {
          signal?.removeEventListener("abort", abort);
          resolve();
        });
        const abort = () => {
          timer.cancel();
          reject(signal?.reason);
        };
        signal?.addEventListener("abort", abort, { once: true });
      }),
  };
}

/** The generator mulberry32: uniform, fast, 32 bits of state. */
function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function countedIds(): Ids {
  let count = 0n;
  const digits = (length: number) => (++count % 16n ** BigInt(length)).toString(16).padStart(length, "0");
  return {
    uuid: () => `00000000-0000-4000-8000-${digits(12)}`,
    hex(bytes) {
      let text = "";
      for (let left = bytes; left > 0; left -= 8) text += digits(2 * Math.min(8, left)); // no part of it repeats
      return text;
    },
  };
}
