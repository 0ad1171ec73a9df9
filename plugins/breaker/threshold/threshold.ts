import { type Breaker, breaker, type Circuit, type Clock, definePlugin, policyFields } from "@mortise/kernel";
import { slidingWindow } from "@mortise/kernel/spi/windows";
import { z } from "zod";

const ok = 0;
const failed = 1;

/** Hystrix's defaults: half of at least 20 calls within 10 s, then 5 s of rest. */
export const thresholdFields = policyFields({
  breakerThreshold: z
    .strictObject({
      windowMs: z.number().positive().default(10_000).describe("How far back calls count, in milliseconds"),
      minCalls: z.int().min(1).default(20).describe("Calls in the window below which nothing breaks"),
      failurePercent: z.number().gt(0).max(100).default(50).describe("Share of failures at which the circuit opens"),
      openMs: z
        .number()
        .positive()
        .default(5000)
        .describe("How long it stays open before one call may try, in milliseconds"),
      slowMs: z
        .number()
        .nonnegative()
        .default(0)
        .describe("Calls that take longer count as failed, in milliseconds; 0: none"),
    })
    .prefault({}),
});

type Settings = ReturnType<typeof thresholdFields.of>["breakerThreshold"];

/** Opens when too many calls fail, rests, then lets one call try. */
export function thresholdBreaker(clock: Clock): Breaker {
  return {
    circuits(site) {
      const settings = thresholdFields.of(site).breakerThreshold;
      return () => thresholdCircuit(settings, clock);
    },
  };
}

function thresholdCircuit({ windowMs, minCalls, failurePercent, openMs, slowMs }: Settings, clock: Clock): Circuit {
  const window = slidingWindow(windowMs);
  let state: Circuit["state"] = "closed";
  let opened = 0;

  function open(): void {
    state = "open";
    opened = clock.now();
  }

  function judge(now: number): void {
    const failures = window.sum(failed, now);
    const calls = failures + window.sum(ok, now);
    if (calls >= minCalls && failures * 100 >= failurePercent * calls) open();
  }

  return {
    admit() {
      if (state === "closed") return true;
      if (state === "half-open" || clock.now() - opened < openMs) return false;
      state = "half-open";
      return true;
    },
    record(fine, tookMs) {
      const good = fine && (slowMs === 0 || tookMs <= slowMs);
      if (state === "open") return; // it began before the circuit opened
      if (state === "half-open") {
        if (!good) return open();
        state = "closed";
        return window.clear();
      }
      const now = clock.now();
      window.add(good ? ok : failed, now);
      judge(now);
    },
    forget() {
      if (state === "half-open") open();
    },
    get state() {
      return state;
    },
  };
}

export const threshold = definePlugin({
  spi: breaker,
  name: "threshold",
  description: "Opens when too large a share of calls fails, and lets one call try after a rest",
  policy: thresholdFields.schemas,
  setup: ({ ports }) => ({ api: thresholdBreaker(ports.clock) }),
});
