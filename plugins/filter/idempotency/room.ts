import type { Context } from "@mortise/kernel";

/** Lets so many in at once; the others wait in order, no longer than their calls last. */
export interface Room {
  /** Gives how to leave. Rejects with the reason when the call is over before there is room. */
  enter(context: Context): Promise<() => void>;
}

export function room(size: number): Room {
  const waiting = new Set<() => void>();
  let inside = 0;

  function leave(): void {
    inside--;
    const [next] = waiting;
    next?.();
  }

  return {
    async enter(context) {
      if (context.cancelled) throw context.cancelled;
      if (inside >= size) {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        waiting.add(resolve);
        const forget = context.onCancel(reject);
        await promise.finally(() => {
          waiting.delete(resolve);
          forget();
        });
      }
      inside++;
      return leave;
    },
  };
}
