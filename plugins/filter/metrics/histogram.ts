/** Buckets per doubling of the duration; the width of a bucket is 14 to 25 % of what it holds. */
const perDoubling = 4;

/** A duration is counted in units of 1/1024 ms, about a microsecond. */
const unitsPerMs = 1024;

/** Beyond about 131 s all durations share the last bucket. */
const doublings = 27;

/** Upper bounds of all buckets but the last, in milliseconds; 4 of them lie between any duration and its double. */
export const boundsMs: readonly number[] = Object.freeze(
  Array.from({ length: perDoubling * (doublings - 1) }, (_, bucket) => endOf(bucket) / unitsPerMs),
);

/** The bucket of a duration: the first whose bound lies above it. */
export function bucketOf(ms: number): number {
  const units = Math.min(ms * unitsPerMs, 2 ** doublings) | 0;
  if (units < perDoubling) return Math.max(0, units);
  const doubling = 31 - Math.clz32(units);
  return perDoubling * (doubling - 1) + ((units >> (doubling - 2)) & (perDoubling - 1));
}

/** The first unit beyond a bucket. */
function endOf(bucket: number): number {
  if (bucket < perDoubling) return bucket + 1;
  const doubling = Math.floor(bucket / perDoubling) + 1;
  return (perDoubling + (bucket % perDoubling) + 1) * 2 ** (doubling - 2);
}
