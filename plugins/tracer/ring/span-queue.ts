import type { SpanRecord } from "@mortise/kernel";

/** Finished spans on their way out, in a ring of fixed size. */
export interface SpanQueue {
  /** Adds a span; the oldest one is lost when the ring is full. */
  push(span: SpanRecord): void;
  /** Takes the oldest spans out, at most `count`. */
  take(count: number): readonly SpanRecord[];
  readonly size: number;
  /** Spans that were lost. */
  readonly dropped: number;
}

/** @param capacity rounded up to a power of two */
export function spanQueue(capacity: number): SpanQueue {
  const slots = new Array<SpanRecord | undefined>(2 ** Math.ceil(Math.log2(capacity))).fill(undefined);
  const mask = slots.length - 1;
  let first = 0;
  let end = 0;
  let dropped = 0;
  return {
    push(span) {
      if (end - first === slots.length) {
        first++;
        dropped++;
      }
      slots[end++ & mask] = span;
    },
    take(count) {
      const taken = new Array<SpanRecord>(Math.min(count, end - first));
      for (let i = 0; i < taken.length; i++) {
        const at = first++ & mask;
        taken[i] = slots[at] as SpanRecord;
        slots[at] = undefined;
      }
      return taken;
    },
    get size() {
      return end - first;
    },
    get dropped() {
      return dropped;
    },
  };
}
