import type { Timers } from "./ports.ts";

/** How long something may take. */
export interface Limit {
  readonly ms: number;
  /** What the wait ends with when it is over. */
  readonly late: () => Error;
  /** Once `signal` is aborted, only `ms` are left. */
  readonly hurry?: { readonly signal: AbortSignal; readonly ms: number };
}

/**
 * Gives what `work` gives, or rejects with `limit.late()` when it takes too long. Keeps the process alive while it waits. The
 * work itself goes on unheeded; what it does later is the business of whoever began it.
 */
export async function withDeadline<T>(timers: Timers, limit: Limit, work: Promise<T>): Promise<T> {
  const { ms, late, hurry } = limit;
  const done = new AbortController();
  const over = Promise.withResolvers<never>();
  const expire = () => over.reject(late());
  const wait = (left: number) => timers.sleep(left, done.signal).then(expire, () => undefined);
  const rush = () => void wait(Math.min(ms, hurry?.ms ?? ms));
  void wait(ms);
  if (hurry?.signal.aborted) rush();
  else hurry?.signal.addEventListener("abort", rush, { signal: done.signal });
  try {
    return await Promise.race([work, over.promise]);
  } finally {
    done.abort();
  }
}
