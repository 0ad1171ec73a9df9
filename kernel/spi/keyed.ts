/** Keys kept at most; beyond it the one that was asked for longest ago is forgotten. */
const maxKeys = 10_000;

/** State by key, made when first asked for. Callers choose the keys, so their number is bounded. */
export function keyed<S>(make: (key: string) => S, limit = maxKeys): (key: string) => S {
  const states = new Map<string, S>();
  let lastKey: string | undefined;
  let last: S | undefined;
  return (key) => {
    if (key === lastKey) return last as S;
    const known = states.get(key);
    const state = known ?? make(key);
    if (known !== undefined)
      states.delete(key); // it moves to the end, where the most recently used are
    else if (states.size >= limit) states.delete(states.keys().next().value as string);
    states.set(key, state);
    lastKey = key;
    last = state;
    return state;
  };
}
