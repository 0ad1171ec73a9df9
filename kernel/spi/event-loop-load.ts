import { performance } from "node:perf_hooks";
import type { Ports } from "../core/ports.ts";

/** How busy the event loop is: 0 idle, 1 saturated. */
export interface LoadGauge {
  read(): number;
  stop(): void;
}

const sampleMs = 250;
/** Weight of the past per sample: a memory of about five seconds (go-zero's and Kratos' decay). */
const decay = 0.95;
/** A timer that is late by this much says that the loop is saturated, whatever its utilisation. */
const saturatedLagMs = 100;

/**
 * The larger of event-loop utilisation and how late timers are, smoothed. One thread does all the work in Node, so the CPU
 * load of the machine, which the limiters this one follows go by, says little.
 */
export function eventLoopLoad({ clock, timers }: Pick<Ports, "clock" | "timers">): LoadGauge {
  let load = 0;
  let due = clock.now() + sampleMs;
  let before = utilisation();
  const timer = timers.every(sampleMs, () => {
    const now = clock.now();
    const late = Math.max(0, now - due);
    const lag = late / saturatedLagMs;
    due = now + sampleMs;
    const after = utilisation();
    const used = before && after ? performance.eventLoopUtilization(after, before).utilization : 0;
    before = after;
    const past = decay ** (1 + late / sampleMs); // a saturated loop samples seldom; what is late counts for all it missed
    load = past * load + (1 - past) * Math.min(1, Math.max(used, lag));
  });
  return { read: () => load, stop: () => timer.cancel() };
}

/** Nothing where the runtime does not measure it (Deno); then the lag of timers must do. */
function utilisation(): ReturnType<typeof performance.eventLoopUtilization> | undefined {
  try {
    return performance.eventLoopUtilization();
  } catch {
    return undefined;
  }
}
