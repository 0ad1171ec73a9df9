import type { Context } from "@mortise/kernel";

/** A queue per key, each of which lets one in at a time. */
export interface Queues {
  /** In at once, a promise of it, or nothing. The promise rejects with the reason when the call is cancelled before. */
  enter(key: unknown, context: Pick<Context, "onCancel">): "now" | "full" | Promise<void>;
  /** Out again: whoever has waited longest for the key comes in. */
  leave(key: unknown): void;
}

/** Keys are forgotten as soon as nobody is in: what is kept is bounded by the calls under way. */
export function queues(maxQueue: number, maxWaiting: number): Queues {
  const lanes = new Map<unknown, Set<() => void>>();
  let waiting = 0;

  function wait(lane: Set<() => void>, context: Pick<Context, "onCancel">): Promise<void> {
    return new Promise((resolve, reject) => {
      let forget: () => void = () => undefined;
      const out = () => {
        lane.delete(come);
        waiting--;
      };
      const come = () => {
        out();
        forget();
        resolve();
      };
      lane.add(come);
      waiting++;
      forget = context.onCancel((reason) => {
        out();
        reject(reason);
      });
    });
  }

  return {
    enter(key, context) {
      const lane = lanes.get(key);
      if (!lane) {
        lanes.set(key, new Set());
        return "now";
      }
      return lane.size >= maxQueue || waiting >= maxWaiting ? "full" : wait(lane, context);
    },
    leave(key) {
      const lane = lanes.get(key);
      const [next] = lane ?? [];
      if (next) next();
      else lanes.delete(key);
    },
  };
}
