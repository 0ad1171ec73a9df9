import type { SpanRecord } from "@mortise/kernel";
import { SpanColumns } from "@mortise/kernel/spi/span-columns";

/** Finished spans on their way out, in a ring of fixed size. */
export interface SpanQueue {
  /** Takes a span down; the oldest one is lost when the ring is full. */
  push(span: SpanRecord): void;
  /** Takes the oldest spans out, at most `count`. */
  take(count: number): readonly SpanRecord[];
  readonly size: number;
  /** Spans that were lost. */
  readonly dropped: number;
}

/** @param capacity rounded up to a power of two */
export function spanQueue(capacity: number): SpanQueue {
  const slots = 2 ** Math.ceil(Math.log2(capacity));
  const spans = new SpanColumns(slots);
  let first = 0;
  let end = 0;
  let dropped = 0;
  return {
    push(span) {
      if (end - first === slots) {
        first++;
        dropped++;
      }
      spans.put(end++ % slots, span);
    },
    take(count) {
      const taken: SpanRecord[] = [];
      for (const last = Math.min(first + count, end); first < last; first++) taken.push(spans.get(first % slots));
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
