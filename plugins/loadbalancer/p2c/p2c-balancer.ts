import type { LoadBalancer, Picked, Picker, Ports } from "@mortise/kernel";
import { type WeightedField, weightedField } from "@mortise/kernel/spi/weighted-field";
import type { WeightOptions } from "@mortise/kernel/spi/weights";
import { Node } from "./node.ts";

export interface P2cOptions extends WeightOptions {
  readonly decayMs: number;
  readonly forceAfterMs: number;
}

type BalancerPorts = Pick<Ports, "clock" | "random">;

/** How often a pair is drawn while one of it is not healthy (go-zero's `pickTimes`). */
const draws = 3;

/**
 * Power of two choices: draws two instances and picks the one with the lower load by weight, a healthy one first. One that
 * has lost for too long is picked anyway, so that its load is known again. From go-zero's `p2c_ewma`, which knows no
 * weights and compares loads alone.
 */
export function p2cBalancer(options: P2cOptions, ports: BalancerPorts): LoadBalancer {
  return { picker: () => p2cPicker(options, ports) };
}

function p2cPicker({ decayMs, forceAfterMs, warmupMs }: P2cOptions, { clock, random }: BalancerPorts): Picker {
  const fieldOf = weightedField({ warmupMs }, clock, (instance) => new Node(instance, decayMs, clock));

  function choose({ nodes, weights }: WeightedField<Node>, i: number, j: number): Picked {
    const one = nodes[i] as Node;
    const two = nodes[j] as Node;
    const oneWins =
      one.healthy === two.healthy
        ? one.load / (weights[i] as number) <= two.load / (weights[j] as number)
        : one.healthy;
    const loser = oneWins ? two : one;
    const now = clock.now();
    if (now - loser.pickedAt > forceAfterMs) return loser.picked(now);
    return (oneWins ? one : two).picked(now);
  }

  return {
    pick(candidates) {
      const field = fieldOf(candidates);
      const { nodes } = field;
      const count = nodes.length;
      if (count === 1) return (nodes[0] as Node).picked(clock.now());
      let one = 0;
      let two = 1;
      for (let drawn = 0; drawn < draws; drawn++) {
        one = Math.floor(random() * count);
        two = Math.floor(random() * (count - 1));
        if (two >= one) two++;
        if ((nodes[one] as Node).healthy && (nodes[two] as Node).healthy) break;
      }
      return choose(field, one, two);
    },
  };
}
