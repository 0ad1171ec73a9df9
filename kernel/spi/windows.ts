/** Counts of two kinds over the last stretch of time, in a fixed number of buckets. Nothing is allocated after it was made. */
export interface Window {
  add(index: 0 | 1, now: number): void;
  sum(index: 0 | 1, now: number): number;
  clear(): void;
}

/**
 * A sliding window of buckets in typed arrays. What leaves it leaves a bucket at a time.
 * @param lengthMs the whole window; times are monotonic milliseconds
 */
export function slidingWindow(lengthMs: number, buckets = 10): Window {
  const width = lengthMs / buckets;
  const counts = [new Float64Array(buckets), new Float64Array(buckets)] as const;
  const sums: [number, number] = [0, 0];
  let at = Number.NEGATIVE_INFINITY;

  function clear(): void {
    for (const index of [0, 1] as const) {
      counts[index].fill(0);
      sums[index] = 0;
    }
  }

  /** Empties the buckets whose time has come again. */
  function turn(now: number): number {
    const bucket = Math.floor(now / width);
    if (bucket - at >= buckets) clear();
    else for (let passed = at + 1; passed <= bucket; passed++) empty(passed % buckets);
    if (bucket > at) at = bucket;
    return at % buckets;
  }

  function empty(slot: number): void {
    for (const index of [0, 1] as const) {
      sums[index] -= counts[index][slot] ?? 0;
      counts[index][slot] = 0;
    }
  }

  return {
    add(index, now) {
      const slot = turn(now);
      counts[index][slot] = (counts[index][slot] ?? 0) + 1;
      sums[index]++;
    },
    sum(index, now) {
      turn(now);
      return sums[index];
    },
    clear,
  };
}
