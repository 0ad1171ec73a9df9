/** Numbers that depend on the seed only. */
export interface Seeded {
  /** From 0, below 1. */
  next(): number;
  /** Whole, both ends included. */
  between(least: number, most: number): number;
  one<T>(of: readonly T[]): T;
}

/** Mulberry32, by Tommy Ettinger; in the public domain. */
export function seeded(seed: number): Seeded {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (least: number, most: number) => least + Math.floor(next() * (most - least + 1));
  return {
    next,
    between,
    one: (of) => {
      const found = of[between(0, of.length - 1)];
      if (found === undefined) throw new RangeError("there is nothing to choose from");
      return found;
    },
  };
}
