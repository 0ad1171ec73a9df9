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

/** Sets timers. `after` and `every` do not keep the process alive; `sleep` does, for somebody awaits it. */
export interface Timers {
  /** Runs once after `ms`. Any length is allowed; Infinity: never. */
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
    after,
    every: (ms, run) => {
      const handle = setInterval(run, Math.min(ms, longest)).unref();
      return { cancel: () => clearInterval(handle) };
    },
    sleep,
  },
  random: () => Math.random(),
  ids: { uuid: () => crypto.randomUUID(), hex: (bytes) => randomBytes(bytes).toString("hex") },
} satisfies Ports);

/** The longest delay the runtime takes, almost 25 days; a longer one would fire at once. */
const longest = 2 ** 31 - 1;

function after(ms: number, run: () => void): Timer {
  let handle: NodeJS.Timeout;
  const arm = (left: number) => {
    handle = setTimeout(
      () => (left > longest ? arm(left - longest) : run()),
      Math.max(0, Math.min(left, longest)),
    ).unref();
  };
  arm(ms);
  return { cancel: () => clearTimeout(handle) };
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    let handle: NodeJS.Timeout;
    const abort = () => {
      clearTimeout(handle);
      reject(signal?.reason);
    };
    const arm = (left: number) => {
      handle = setTimeout(() => (left > longest ? arm(left - longest) : end()), Math.min(left, longest));
    };
    const end = () => {
      signal?.removeEventListener("abort", abort);
      resolve();
    };
    arm(ms);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
