import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crowd, limiterConformance } from "@mortise/kernel/spi/limiter.conformance";
import { sampleSite, virtualPorts } from "@mortise/kernel/testing";
import fc from "fast-check";
import { slidingWindowLimiter, slidingWindowPlugin } from "./sliding-window.ts";

limiterConformance({
  name: "sliding-window",
  make: () => ({
    subject: { make: (ports) => slidingWindowLimiter(ports.clock), fields: { windowLimit: 10 }, keyed: true },
  }),
});

describe("limiter/sliding-window", () => {
  it("lets no more than the limit through within any window, less a tenth", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 1, max: 10 })), { maxLength: 40 }),
        async (windowLimit, steps) => {
          const ports = virtualPorts();
          const site = sampleSite({ policy: { fields: { windowLimit, windowMs: 1000 } } });
          const limit = slidingWindowLimiter(ports.clock).limit(site);
          assert.ok(limit);
          const passes: number[] = [];
          for (const [wait, calls] of steps) {
            await ports.advance(wait);
            for (const _ of await crowd(limit, calls)) passes.push(ports.clock.now());
          }
          for (const end of passes) {
            assert.ok(passes.filter((at) => at > end - 900 && at <= end).length <= windowLimit);
          }
        },
      ),
    );
  });

  it("lets through whatever the calls of its window leave room for, and nothing more", async () => {
    const step = fc.tuple(fc.integer({ min: 0, max: 700 }), fc.integer({ min: 1, max: 12 }));
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 20 }),
        fc.array(step, { maxLength: 40 }),
        async (windowLimit, steps) => {
          const ports = virtualPorts();
          const site = sampleSite({ policy: { fields: { windowLimit, windowMs: 1000 } } });
          const limit = slidingWindowLimiter(ports.clock).limit(site);
          assert.ok(limit);
          let passed: number[] = []; // the tenths of a window in which calls passed
          for (const [wait, calls] of steps) {
            await ports.advance(wait);
            const tenth = Math.floor(ports.clock.now() / 100);
            passed = passed.filter((at) => at > tenth - 10);
            const expected = Math.min(calls, windowLimit - passed.length);
            assert.equal((await crowd(limit, calls)).length, expected);
            for (let i = 0; i < expected; i++) passed.push(tenth);
          }
        },
      ),
    );
  });

  it("uses the whole limit", async () => {
    const ports = virtualPorts();
    const limit = slidingWindowLimiter(ports.clock).limit(sampleSite({ policy: { fields: { windowLimit: 7 } } }));
    assert.equal((await crowd(limit as NonNullable<typeof limit>, 20)).length, 7);
  });

  it("is the plugin limiter/sliding-window", () => assert.equal(slidingWindowPlugin.id, "limiter/sliding-window"));
});
