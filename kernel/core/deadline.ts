import type { Timers } from "./ports.ts";

/**
 * Gives what `work` gives, or rejects with `late()` after `ms`. Keeps the process alive while it waits. The work itself goes on
 * unheeded; what it does later is the business of whoever began it.
 */
export async function withDeadline<T>(timers: Timers, ms: number, late: () => Error, work: Promise<T>): Promise<T> {
  const done = new AbortController();
  const limit = timers.sleep(ms, done.signal).then(
    () => Promise.reject(late()),
    () => work, // the work was done first
  );
  try {
    return await Promise.race([work, limit]);
  } finally {
    done.abort();
  }
}
