import type { Delivery, Subscription } from "../spi/bus.ts";
import type { Wanted } from "./server-state.ts";

/** The topics the services of a process listen to. */
export interface Subscriptions {
  /** Subscribes to what is new, then takes nothing more of what is gone and waits for the handlers under way. */
  become(wanted: readonly Wanted[]): Promise<void>;
}

interface Subscribed {
  readonly wanted: Wanted;
  readonly subscription: Subscription;
}

/** @param handlerOf what an event of a topic is given to; it follows the generations by itself */
export function subscriptions(handlerOf: (wanted: Wanted) => (delivery: Delivery) => Promise<void>): Subscriptions {
  let current: readonly Subscribed[] = [];
  return {
    async become(wanted) {
      const kept = current.filter((one) => wanted.some((other) => same(one.wanted, other)));
      const gone = current.filter((one) => !kept.includes(one));
      const fresh = wanted.filter((one) => !current.some((other) => same(one, other.wanted)));
      current = kept;
      const results = await Promise.allSettled([
        ...fresh.map(async (one) => {
          const subscription = await one.bus.subscribe(one.topic.name, one.by, handlerOf(one));
          current = [...current, { wanted: one, subscription }];
        }),
      ]);
      await Promise.all(gone.map(({ subscription }) => subscription.close()));
      const failed = results.find((result) => result.status === "rejected");
      if (failed) throw failed.reason;
    },
  };
}

/** A service that was replaced goes on with its subscription: events go to whoever serves when they come. */
function same(a: Wanted, b: Wanted): boolean {
  return a.bus === b.bus && a.by === b.by && a.topic === b.topic;
}
