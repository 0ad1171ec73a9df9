import type { Clock } from "../core/ports.ts";

/** Since when somebody sees the same mark of another one, in monotonic milliseconds. */
interface Seen {
  readonly mark: string;
  readonly since: number;
}

/** Tells who has been silent for too long without comparing clocks: it watches marks that change with every sign of life. */
export interface Silence {
  /** Whether the mark under `key` has been this one for `forMs`, as far as we have looked. */
  isSilent(key: string, mark: string, forMs: number): boolean;
  forget(key: string): void;
}

/** How many keys are remembered. */
const maxSeen = 10_000;

export function silence(clock: Clock): Silence {
  const seen = new Map<string, Seen>();
  return {
    isSilent(key, mark, forMs) {
      const now = clock.now();
      const before = seen.get(key);
      if (before?.mark === mark) return now - before.since >= forMs;
      seen.delete(key); // the latest comes last
      seen.set(key, { mark, since: now });
      const [oldest] = seen.keys();
      if (seen.size > maxSeen && oldest !== undefined) seen.delete(oldest);
      return false;
    },
    forget: (key) => void seen.delete(key),
  };
}
