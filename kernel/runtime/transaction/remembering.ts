/** What a process remembers of branches it has done itself; of others it is read. */
export interface Remembering<T> {
  keep(key: string, value: T): void;
  /** Gives it once. */
  take(key: string): T | undefined;
}

/** Branches that are remembered, at most: the oldest are forgotten. */
const most = 10_000;

export function remembering<T>(): Remembering<T> {
  const values = new Map<string, T>();
  return {
    keep(key, value) {
      if (values.size >= most) values.delete(values.keys().next().value ?? "");
      values.set(key, value);
    },
    take(key) {
      const value = values.get(key);
      values.delete(key);
      return value;
    },
  };
}
