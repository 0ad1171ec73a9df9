import type { Timers } from "../core/ports.ts";

/** Keeps the process alive while somebody waits for work that would not: a call between two attempts holds nothing open. */
export interface Awake {
  during<T>(work: Promise<T>): Promise<T>;
  /** While the next item is waited for, not between two. */
  each<T>(items: AsyncIterable<T>): AsyncIterable<T>;
}

export function awake(timers: Timers): Awake {
  let waiting = 0;
  let rest = new AbortController();

  async function during<T>(work: Promise<T>): Promise<T> {
    if (waiting++ === 0) {
      rest = new AbortController();
      timers.sleep(Number.POSITIVE_INFINITY, rest.signal).catch(() => undefined);
    }
    try {
      return await work;
    } finally {
      if (--waiting === 0) rest.abort();
    }
  }

  return {
    during,
    each: (items) => ({
      [Symbol.asyncIterator]() {
        const iterator = items[Symbol.asyncIterator]();
        return {
          next: () => during(iterator.next()),
          return: async (value) => (await iterator.return?.(value)) ?? { done: true, value },
        };
      },
    }),
  };
}
