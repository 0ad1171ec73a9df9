import type { CallSite, LoadBalancer, Picker, Ports } from "@mortise/kernel";
import { leastLoad } from "@mortise/kernel/spi/least-load";
import type { WeightOptions } from "@mortise/kernel/spi/weights";
import { Estimate, type Slide } from "./estimate.ts";

export interface ShortestResponseOptions extends WeightOptions {
  readonly slideMs: number;
}

/** Stands for a timeout where the policy sets none, in milliseconds. */
const defaultTimeoutMs = 1000;

/**
 * Picks the instance whose average response time by the calls under way is the shortest, in proportion to weight where
 * several are about equal (Dubbo's `shortestresponse`).
 */
export function shortestResponseBalancer(
  options: ShortestResponseOptions,
  ports: Pick<Ports, "clock" | "random">,
): LoadBalancer {
  return { picker: (site) => shortestResponsePicker(site, options, ports) };
}

function shortestResponsePicker(
  { policy }: CallSite,
  options: ShortestResponseOptions,
  ports: Pick<Ports, "clock" | "random">,
): Picker {
  const { clock } = ports;
  const timeoutMs = policy.timeoutMs || defaultTimeoutMs;
  const slide: Slide = { number: 0 };
  const instances = leastLoad(options, ports, (instance, changed) => new Estimate(instance, changed, slide, timeoutMs));
  let endsAt = clock.now() + options.slideMs;

  return {
    pick(candidates) {
      const now = clock.now();
      if (now >= endsAt) {
        endsAt = now + options.slideMs;
        slide.number++;
        instances.refresh();
      }
      return instances.draw(candidates).picked();
    },
  };
}
