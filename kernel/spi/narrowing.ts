import type { Instance } from "./instance.ts";

/** Decides which of the candidates stay. */
export type Keep<K> = (candidates: readonly Instance[], key: K) => readonly Instance[];

/** Keys remembered per list of candidates; beyond it the oldest is forgotten, which costs its balancer a fresh start. */
const maxKeys = 256;

/**
 * Remembers what a decision leaves of a list of candidates, so that the same decision gives the same array. `key` is all the
 * decision depends on beside the candidates; `keep` is asked only for a key that is new. Gives `candidates` itself when all
 * stay; whether nothing may be left is for `keep` to decide.
 */
export function narrowing<K extends string | number | boolean>(): (
  candidates: readonly Instance[],
  key: K,
  keep: Keep<K>,
) => readonly Instance[] {
  const known = new WeakMap<readonly Instance[], Map<K, readonly Instance[]>>();
  return (candidates, key, keep) => {
    const byKey = known.get(candidates) ?? new Map<K, readonly Instance[]>();
    const before = byKey.get(key);
    if (before) return before;
    const left = keep(candidates, key);
    const result = left.length === candidates.length ? candidates : Object.freeze([...left]);
    if (byKey.size >= maxKeys) byKey.delete(byKey.keys().next().value as K);
    known.set(candidates, byKey.set(key, result));
    return result;
  };
}
