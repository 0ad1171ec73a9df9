/** What was seen lately, in bounded memory. */
export interface Nonces {
  /** Remembers one: whether it is new, known, or there is no room for it while all others are still fresh. */
  take(nonce: string, now: number): "new" | "known" | "full";
}

/** Remembers each for `keepMs`, and `limit` of them at most. Nothing fresh is ever forgotten to make room. */
export function nonces(keepMs: number, limit: number): Nonces {
  const until = new Map<string, number>(); // in the order they came, which is that of their ends
  return {
    take(nonce, now) {
      for (const [old, end] of until) {
        if (end > now) break;
        until.delete(old);
      }
      if (until.has(nonce)) return "known";
      if (until.size >= limit) return "full";
      until.set(nonce, now + keepMs);
      return "new";
    },
  };
}
