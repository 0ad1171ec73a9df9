import type { Instance, LoadBalancer, Picked, Ports } from "@mortise/kernel";
import { leastLoad } from "@mortise/kernel/spi/least-load";
import type { WeightOptions } from "@mortise/kernel/spi/weights";

/** An instance as a method sees it, by its calls under way. Also the object that picks of it return. */
interface Node extends Picked {
  load: number;
  picked(): Node;
}

/**
 * Picks one of the instances with the fewest calls of the method under way here, in proportion to weight where there are
 * several (Dubbo's `leastactive`).
 */
export function leastActiveBalancer(options: WeightOptions, ports: Pick<Ports, "clock" | "random">): LoadBalancer {
  return {
    picker() {
      const instances = leastLoad(options, ports, node);
      return { pick: (candidates) => instances.draw(candidates).picked() };
    },
  };
}

function node(instance: Instance, changed: () => void): Node {
  const one: Node = {
    instance,
    load: 0,
    picked() {
      one.load++;
      changed();
      return one;
    },
    done() {
      one.load--;
      changed();
    },
  };
  return one;
}
