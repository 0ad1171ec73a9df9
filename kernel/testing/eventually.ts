/**
 * Resolves with what `condition` gives as soon as that is neither false nor undefined and does not throw. Rejects after
 * `withinMs` of real time with its last error. The limit is for what never happens; it says nothing of how fast it does.
 */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  withinMs = 30_000,
): Promise<Exclude<T, false | undefined>> {
  const end = performance.now() + withinMs;
  let last: unknown = new Error("the condition is not met");
  for (;;) {
    try {
      const value = await condition();
      if (value !== false && value !== undefined) return value as Exclude<T, false | undefined>;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
