import type { Clock } from "@mortise/kernel";

/** Recognises ids that were seen within a window of time. */
export interface RecentIds {
  /** Whether the id is new; remembers it. */
  add(id: string): boolean;
  forget(id: string): void;
}

/** Ids to remember at most; the oldest is forgotten for one more. */
const maxIds = 100_000;

/** A Map keeps the order of insertion, so the oldest are at its front. */
export function recentIds(windowMs: number, clock: Clock): RecentIds {
  const seenAt = new Map<string, number>();

  function forgetOld(now: number): void {
    for (const [id, at] of seenAt) {
      if (now - at < windowMs && seenAt.size <= maxIds) return;
      seenAt.delete(id);
    }
  }

  return {
    add: (id) => {
      const now = clock.now();
      forgetOld(now);
      if (seenAt.has(id)) return false;
      seenAt.set(id, now);
      return true;
    },
    forget: (id) => {
      seenAt.delete(id);
    },
  };
}
