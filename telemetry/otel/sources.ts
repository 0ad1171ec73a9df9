import type { MetricsSource } from "@mortise/kernel";

/** The sources of metrics there are. */
export interface Sources extends Iterable<MetricsSource> {
  /** Returns how to let go of it. */
  add(source: MetricsSource): () => void;
}

/**
 * Keeps what the last source said when it was let go of: when an app stops, those who count stop before those who send, and
 * the last numbers must still go out. A source that comes later takes its place.
 */
export function sources(): Sources {
  const attached = new Set<MetricsSource>();
  let left: MetricsSource | undefined;
  return {
    add(source) {
      attached.add(source);
      left = undefined;
      return () => {
        if (!attached.delete(source) || attached.size > 0) return;
        const last = source.read();
        left = { boundsMs: source.boundsMs, read: () => last };
      };
    },
    [Symbol.iterator]: () => (left ? [left] : [...attached])[Symbol.iterator](),
  };
}
