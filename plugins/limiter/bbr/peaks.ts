/** The best throughput and the shortest latency of a window. */
export interface Peaks {
  /** A call that went well. */
  add(tookMs: number, now: number): void;
  /**
   * `floor(maxPass × minRT × bucketsPerSecond / 1000 + 0.5)`, with the most calls of a bucket and the shortest mean latency of
   * one, at least 1 ms; the bucket under way does not count. Infinity until a call has gone well. While none goes well, the last
   * limit stays: a flood in which every answer is late would end it otherwise.
   */
  maxInFlight(now: number): number;
}

export function peaks(windowMs: number, buckets: number): Peaks {
  const width = windowMs / buckets;
  const slots = buckets + 1; // one is under way
  const passed = new Float64Array(slots);
  const took = new Float64Array(slots);
  const turns = new Float64Array(slots).fill(Number.NaN);
  let known = { turn: Number.NaN, limit: Number.POSITIVE_INFINITY };

  function slotAt(turn: number): number {
    const slot = turn % slots;
    if (turns[slot] !== turn) {
      turns[slot] = turn;
      passed[slot] = 0;
      took[slot] = 0;
    }
    return slot;
  }

  function limitAt(turn: number): number {
    let maxPass = 0;
    let minRt = Number.POSITIVE_INFINITY;
    for (let slot = 0; slot < slots; slot++) {
      const age = turn - (turns[slot] ?? Number.NaN);
      const calls = passed[slot] ?? 0;
      if (!(age >= 1 && age <= buckets) || calls === 0) continue;
      maxPass = Math.max(maxPass, calls);
      minRt = Math.min(minRt, (took[slot] ?? 0) / calls);
    }
    if (maxPass === 0) return known.limit; // nothing has gone well for a whole window: what held before holds on
    return Math.floor((maxPass * Math.max(1, minRt) * (1000 / width)) / 1000 + 0.5);
  }

  return {
    add(tookMs, now) {
      const slot = slotAt(Math.floor(now / width));
      passed[slot] = (passed[slot] ?? 0) + 1;
      took[slot] = (took[slot] ?? 0) + tookMs;
    },
    maxInFlight(now) {
      const turn = Math.floor(now / width);
      if (known.turn !== turn) known = { turn, limit: limitAt(turn) };
      return known.limit;
    },
  };
}
