/** What a process remembers of branches and transactions it has to do with; of others it is read. */
export interface Remembering<T> {
  keep(key: string, value: T): void;
  get(key: string): T | undefined;
  /** Gives it and forgets it. */
  take(key: string): T | undefined;
}

/** Remembered at most: the oldest are forgotten. */
const usual = 10_000;

export function remembering<T>(most = usual): Remembering<T> {
  const values = new Map<string, T>();
  return {
    keep(key, value) {
      if (values.size >= most) values.delete(values.keys().next().value ?? "");
      values.set(key, value);
    },
    get: (key) => values.get(key),
    take(key) {
      const value = values.get(key);
      values.delete(key);
      return value;
    },
  };
}
