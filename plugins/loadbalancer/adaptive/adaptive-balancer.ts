import type { CallSite, LoadBalancer, Picked, Picker, Ports } from "@mortise/kernel";
import { asksForLoad } from "@mortise/kernel/spi/load-report";
import { type WeightedField, weightedField } from "@mortise/kernel/spi/weighted-field";
import type { WeightOptions } from "@mortise/kernel/spi/weights";
import { Reported } from "./reported.ts";

type BalancerPorts = Pick<Ports, "clock" | "random">;

/** Stands for a timeout where the policy sets none, in milliseconds. */
const defaultTimeoutMs = 1000;

/**
 * Power of two choices by what instances report: draws two and picks the one with the lower load; of two with the same load
 * one at random, in proportion to weight (Dubbo's `adaptive`).
 */
export function adaptiveBalancer(options: WeightOptions, ports: BalancerPorts): LoadBalancer {
  return { picker: (site) => adaptivePicker(site, options, ports) };
}

function adaptivePicker({ policy }: CallSite, options: WeightOptions, { clock, random }: BalancerPorts): Picker {
  const timeoutMs = policy.timeoutMs || defaultTimeoutMs;
  const fieldOf = weightedField(options, clock, (instance) => new Reported(instance, clock, timeoutMs));

  function choose({ nodes, weights }: WeightedField<Reported>, i: number, j: number, now: number): Picked {
    const one = nodes[i] as Reported;
    const two = nodes[j] as Reported;
    const a = weights[i] as number;
    const b = weights[j] as number;
    const difference = one.load(a, now) - two.load(b, now);
    const first = difference === 0 ? random() * (a + b) < a : difference < 0;
    return (first ? one : two).picked(now);
  }

  return {
    asks: asksForLoad,
    pick(candidates) {
      const field = fieldOf(candidates);
      const count = field.nodes.length;
      const now = clock.now();
      if (count === 1) return (field.nodes[0] as Reported).picked(now);
      const i = Math.floor(random() * count);
      const j = Math.floor(random() * (count - 1));
      return choose(field, i, j >= i ? j + 1 : j, now);
    },
  };
}
