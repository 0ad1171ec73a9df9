import assert from "node:assert/strict";
import { it } from "node:test";
import type { Timers } from "../core/ports.ts";
import { eventLoopLoad } from "./event-loop-load.ts";

it("counts a sample that is late for all those the loop had no time for", () => {
  let now = 0;
  let sample = (): void => undefined;
  const timers = {
    every: (_: number, run: () => void) => {
      sample = run;
      return { cancel: () => undefined };
    },
  } as Partial<Timers> as Timers;
  const gauge = eventLoopLoad({ clock: { now: () => now, wall: () => now }, timers });
  now += 9000;
  sample();
  assert.ok(gauge.read() > 0.8, `${gauge.read()}`);
});
