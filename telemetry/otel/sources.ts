/** The sources of numbers there are. */
export interface Sources<S> extends Iterable<S> {
  /** Returns how to let go of it. */
  add(source: S): () => void;
}

/**
 * Keeps what the last source said when it was let go of: when an app stops, those who count stop before those who send, and
 * the last numbers must still go out. A source that comes later takes its place.
 * @param frozen a source that goes on saying what the given one says now
 */
export function sources<S>(frozen: (source: S) => S): Sources<S> {
  const attached = new Set<S>();
  let left: S | undefined;
  return {
    add(source) {
      attached.add(source);
      left = undefined;
      return () => {
        if (!attached.delete(source) || attached.size > 0) return;
        left = frozen(source);
      };
    },
    [Symbol.iterator]: () => (left ? [left] : [...attached])[Symbol.iterator](),
  };
}
