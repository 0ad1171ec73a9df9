import {
  type Breaker,
  breaker,
  type Circuit,
  type Clock,
  definePlugin,
  policyFields,
  type Random,
} from "@mortise/kernel";
import { slidingWindow } from "@mortise/kernel/spi/windows";
import { z } from "zod";

const requests = 0;
const accepts = 1;

/** Kratos' defaults: K = 2 over 3 s, from 20 calls on. */
export const sreFields = policyFields({
  breakerSre: z
    .strictObject({
      k: z.number().gt(1).default(2).describe("How many times the calls that go well may be tried; less is stricter"),
      windowMs: z.number().positive().default(3000).describe("How far back calls count, in milliseconds"),
      minCalls: z.int().min(1).default(20).describe("Calls in the window below which nothing is refused"),
    })
    .prefault({}),
});

type Settings = ReturnType<typeof sreFields.of>["breakerSre"];

/**
 * Client-side throttling of Google's "Site Reliability Engineering", chapter 21: refuses with the probability
 * max(0, (requests − K·accepts) / (requests + 1)). Calls it refuses count as requests, so it keeps probing all the time.
 */
export function sreBreaker(clock: Clock, random: Random): Breaker {
  return {
    circuits(site) {
      const settings = sreFields.of(site).breakerSre;
      return () => sreCircuit(settings, clock, random);
    },
  };
}

function sreCircuit({ k, windowMs, minCalls }: Settings, clock: Clock, random: Random): Circuit {
  const window = slidingWindow(windowMs);

  function refusalShare(now: number): number {
    const total = window.sum(requests, now);
    return total < minCalls ? 0 : Math.max(0, (total - k * window.sum(accepts, now)) / (total + 1));
  }

  return {
    admit() {
      const now = clock.now();
      const share = refusalShare(now);
      if (share === 0 || random() >= share) return true;
      window.add(requests, now);
      return false;
    },
    record(fine) {
      const now = clock.now();
      window.add(requests, now);
      if (fine) window.add(accepts, now);
    },
    forget: () => undefined,
    get state() {
      return refusalShare(clock.now()) > 0 ? "half-open" : "closed";
    },
  };
}

export const sre = definePlugin({
  spi: breaker,
  name: "sre",
  description: "Refuses a share of the calls that grows with the share that fails",
  policy: sreFields.schemas,
  setup: ({ ports }) => ({ api: sreBreaker(ports.clock, ports.random) }),
});
