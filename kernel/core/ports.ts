import { randomBytes } from "node:crypto";

/** Reads time. */
export interface Clock {
  /** Wall time in milliseconds since 1970, for what people read and machines exchange. */
  wall(): number;
  /** Monotonic milliseconds with fractions, for durations and deadlines. */
  now(): number;
}

/** A timer that was set. */
export interface Timer {
  cancel(): void;
}

/** Sets timers. None of them keeps the process alive. */
export interface Timers {
  after(ms: number, run: () => void): Timer;
  every(ms: number, run: () => void): Timer;
  /** Resolves after `ms`; rejects with the signal's reason once that is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Uniform random numbers in [0, 1). */
export type Random = () => number;

/** Unique ids. */
export interface Ids {
  /** A random UUID (version 4). */
  uuid(): string;
  /** `bytes` random bytes as lower-case hex. */
  hex(bytes: number): string;
}

/** Every effect that makes two runs of the same code differ. A simulator replaces them as a whole. */
export interface Ports {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly ids: Ids;
}

/** The ports of the real world. */
export const systemPorts: Ports = Object.freeze({
  clock: { wall: () => Date.now(), now: () => performance.now() },
  timers: {
    after: (ms, run) => cancelling(setTimeout(run, ms), clearTimeout),
    every: (ms, run) => cancelling(setInterval(run, ms), clearInterval),
    sleep,
  },
  random: () => Math.random(),
  ids: { uuid: () => crypto.randomUUID(), hex: (bytes) => randomBytes(bytes).toString("hex") },
} satisfies Ports);

function cancelling(handle: NodeJS.Timeout, clear: (handle: NodeJS.Timeout) => void): Timer {
  handle.unref();
  return { cancel: () => clear(handle) };
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", abort, { once: true });
  });
}
