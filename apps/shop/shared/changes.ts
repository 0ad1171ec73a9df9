import type { Context, Ports } from "@mortise/kernel";

/** Tells those who watch something in this process that it changed. */
export interface Changes {
  /** Counts the changes. */
  readonly count: number;
  notify(): void;
  /** Resolves when there were more changes than `seen`, after `ms`, or when the call is over, whichever comes first. */
  after(seen: number, ms: number, call: Context): Promise<void>;
}

export function makeChanges({ timers }: Ports): Changes {
  const waiting = new Set<() => void>();
  let count = 0;
  return {
    get count() {
      return count;
    },
    notify: () => {
      count += 1;
      for (const wake of [...waiting]) wake();
    },
    after: (seen, ms, call) =>
      new Promise((resolve) => {
        if (count !== seen || call.cancelled) return resolve();
        const wake = () => {
          waiting.delete(wake);
          timer.cancel();
          forget();
          resolve();
        };
        const timer = timers.after(ms, wake);
        const forget = call.onCancel(wake);
        waiting.add(wake);
      }),
  };
}

export interface Watched<T> {
  readonly read: () => Promise<T>;
  /** Two equal texts mean that nothing changed. */
  readonly version: (value: T) => string;
  /** No further change can come. */
  readonly final: (value: T) => boolean;
  readonly changes: Changes;
  /** How late a change made by another process may be seen. */
  readonly pollMs: number;
}

/** Gives the value now and again after each change, until it is final or the call is over. */
export async function* watch<T>(watched: Watched<T>, call: Context): AsyncGenerator<T> {
  const { read, version, final, changes, pollMs } = watched;
  let last: string | undefined;
  while (call.cancelled === undefined) {
    const seen = changes.count;
    const value = await read();
    const current = version(value);
    if (current !== last) yield value;
    if (final(value)) return;
    last = current;
    await changes.after(seen, pollMs, call);
  }
}
