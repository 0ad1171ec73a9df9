/** The same stream, with `told(error)` in place of its errors, and with turns for others in between. */
export function handedOver<T>(source: AsyncIterator<T>, told: (error: unknown) => unknown): AsyncIterator<T, void> {
  const yielding = fairness();
  return {
    next: async () => {
      const turn = yielding();
      if (turn) await turn;
      try {
        return (await source.next()) as IteratorResult<T, void>;
      } catch (error) {
        throw told(error);
      }
    },
    return: async () => {
      await source.return?.();
      return { done: true, value: undefined };
    },
  };
}

/** How many messages or calls may pass before timers and sockets get their turn. */
const burst = 64;

/**
 * Resolves at once, but every so often only a turn of the event loop later: over a network everybody waits for sockets,
 * and in a process a stream that never waits would keep timers, deadlines among them, from ever running.
 */
export function fairness(): () => Promise<void> | undefined {
  let passed = 0;
  return () => {
    passed = (passed + 1) % burst;
    return passed === 0 ? new Promise((resolve) => setImmediate(resolve)) : undefined;
  };
}

/** A stream whose first message was read already. */
export function startedWith<T>(first: IteratorResult<T, void>, rest: AsyncIterator<T, void>): AsyncIterator<T, void> {
  let waiting: IteratorResult<T, void> | undefined = first;
  return {
    next: () => {
      const result = waiting;
      waiting = undefined;
      return result ? Promise.resolve(result) : rest.next();
    },
    return: async () => {
      waiting = undefined;
      await rest.return?.();
      return { done: true, value: undefined };
    },
  };
}

/** Closes a stream that nobody reads any more; what it has to say about that concerns nobody. */
export function closeQuietly(iterator: AsyncIterator<unknown>): void {
  Promise.resolve(iterator.return?.()).catch(() => undefined);
}
