import type { Context } from "@mortise/kernel";

/** A room with so many seats and so many places to wait. */
export interface Seats {
  /** A seat at once, a promise of one, or nothing. The promise rejects with the reason when the call is cancelled before. */
  take(context: Pick<Context, "onCancel" | "cancelled">): "taken" | "full" | Promise<void>;
  /** Gives a seat back: to whoever has waited longest. */
  leave(): void;
}

interface Waiting {
  enter(): void;
}

export function seats(count: number, queue: number): Seats {
  const waiting = new Set<Waiting>();
  let free = count;
  return {
    take(context) {
      if (free > 0) {
        free--;
        return "taken";
      }
      if (waiting.size >= queue) return "full";
      return new Promise((resolve, reject) => {
        let forget: () => void = () => undefined;
        const one = {
          enter() {
            forget();
            resolve();
          },
        };
        waiting.add(one);
        forget = context.onCancel((reason) => {
          waiting.delete(one);
          reject(reason);
        });
      });
    },
    leave() {
      const [next] = waiting;
      if (!next) {
        free++;
        return;
      }
      waiting.delete(next);
      next.enter();
    },
  };
}
