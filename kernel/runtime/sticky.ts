import { z } from "zod";
import { type CallSite, policyFields } from "../call/site.ts";
import type { ServiceView } from "../spi/directory.ts";
import type { Instance } from "../spi/instance.ts";
import type { Outcome, Picked, Picker } from "../spi/loadbalancer.ts";

export const stickyPolicy = policyFields({
  sticky: z
    .boolean()
    .default(false)
    .describe("Calls of the service stay with the instance the last one went to, while it is there and can be reached"),
});

/** The instance the sticky calls of one service stay with. */
interface Stick {
  instance: Instance | undefined;
}

/** Methods of a service stick together, as they do in Dubbo; so the stick belongs to what all of them share. */
const sticks = new WeakMap<ServiceView, Stick>();

/** The balancer's picker, or one that stays with an instance where the policy says so. */
export function maybeSticky(picker: Picker, site: CallSite, view: ServiceView): Picker {
  if (!stickyPolicy.of(site).sticky) return picker;
  const stick = sticks.get(view) ?? { instance: undefined };
  sticks.set(view, stick);
  return stickyPicker(picker, stick);
}

/**
 * Asks the balancer only when the instance it picked last is not among the candidates (it is gone, no router leaves it, or
 * this call has tried it already) or could not be reached. The balancer hears of every call all the same.
 */
export function stickyPicker(inner: Picker, stick: Stick): Picker {
  const alone = new WeakMap<Instance, readonly Instance[]>();
  const kept = new WeakMap<Picked, Picked>();
  let seen: readonly Instance[] | undefined;
  let sought: Instance | undefined;
  let among = false;

  function isAmong(candidates: readonly Instance[], instance: Instance): boolean {
    if (candidates === seen && instance === sought) return among;
    seen = candidates;
    sought = instance;
    among = candidates.includes(instance);
    return among;
  }

  function only(instance: Instance): readonly Instance[] {
    const known = alone.get(instance) ?? Object.freeze([instance]);
    alone.set(instance, known);
    return known;
  }

  /** The same pick, which lets go of an instance that cannot be reached. */
  function sticking(picked: Picked): Picked {
    const known = kept.get(picked);
    if (known) return known;
    const { instance } = picked;
    const one: Picked = {
      instance,
      done(outcome: Outcome) {
        if (outcome.code === "UNAVAILABLE" && stick.instance === instance) stick.instance = undefined;
        picked.done(outcome);
      },
    };
    kept.set(picked, one);
    return one;
  }

  return {
    ...(inner.asks && { asks: inner.asks }),
    pick(candidates, call) {
      const { instance } = stick;
      const stay = instance !== undefined && isAmong(candidates, instance);
      const picked = inner.pick(stay ? only(instance) : candidates, call);
      stick.instance = picked.instance;
      return sticking(picked);
    },
  };
}
