import { type Clock, definePlugin, type Limiter, limiter, type Permit, policyFields } from "@mortise/kernel";
import { eventLoopLoad, type LoadGauge } from "@mortise/kernel/spi/event-loop-load";
import { z } from "zod";
import { peaks } from "./peaks.ts";

/** A drop is followed by this long of watching the calls in flight, though the load has gone down (Kratos). */
const coolOffMs = 1000;

export const bbrFields = policyFields({
  bbr: z
    .strictObject({
      load: z.number().min(0).max(1).default(0.8).describe("Load of the event loop from which on calls are dropped"),
      windowMs: z
        .number()
        .positive()
        .default(10_000)
        .describe("How far back the best throughput and latency count, in milliseconds"),
      buckets: z.int().min(2).default(100).describe("Parts of the window"),
    })
    .optional(),
});

/**
 * Adaptive limit after BBR: while the loop is overloaded, no more calls are in flight than the best throughput of the window
 * times its shortest latency (Little's law; the formula is Kratos').
 */
export function bbrLimiter(clock: Clock, gauge: Pick<LoadGauge, "read">): Limiter {
  return {
    limit(site) {
      const { bbr } = bbrFields.of(site);
      if (!bbr) return undefined;
      const { load, windowMs, buckets } = bbr;
      const best = peaks(windowMs, buckets);
      let inFlight = 0;
      let droppedAt = Number.NEGATIVE_INFINITY;

      const permit: Permit = {
        release({ code, tookMs }) {
          inFlight--;
          if (code === "OK") best.add(tookMs, clock.now());
        },
      };

      function overloaded(now: number): boolean {
        if (gauge.read() < load && now - droppedAt > coolOffMs) return false;
        return inFlight > 1 && inFlight > best.maxInFlight(now);
      }

      return {
        acquire() {
          const now = clock.now();
          if (overloaded(now)) {
            if (gauge.read() >= load) droppedAt = now;
            return { retryAfterMs: coolOffMs };
          }
          inFlight++;
          return permit;
        },
      };
    },
  };
}

export const bbr = definePlugin({
  spi: limiter,
  name: "bbr",
  description: "As many calls in flight as the process can serve when its event loop is overloaded",
  policy: bbrFields.schemas,
  setup({ ports }) {
    const gauge = eventLoopLoad(ports);
    return { api: bbrLimiter(ports.clock, gauge), stop: gauge.stop };
  },
});
