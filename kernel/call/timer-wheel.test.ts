import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { systemPorts } from "../core/ports.ts";
import { virtualPorts } from "../testing/virtual-ports.ts";
import { deadlineWheel, tickMs } from "./timer-wheel.ts";

describe("the deadline wheel", () => {
  it("is one per ports", () => {
    const ports = virtualPorts();
    assert.equal(deadlineWheel(ports), deadlineWheel(ports));
    assert.notEqual(deadlineWheel(ports), deadlineWheel(virtualPorts()));
  });

  it("runs every deadline once, never early and at most a tick late, and no cancelled one", async () => {
    const deadline = fc.record({
      ms: fc.oneof(fc.integer({ min: -10, max: 300 }), fc.integer({ min: 0, max: 20_000 })),
      setAt: fc.integer({ min: 0, max: 5000 }),
      cancelAfter: fc.option(fc.integer({ min: 0, max: 5000 }), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(deadline, { maxLength: 40 }), async (deadlines) => {
        const ports = virtualPorts();
        const wheel = deadlineWheel(ports);
        const ran: number[][] = deadlines.map(() => []);
        const cancelled: (number | undefined)[] = deadlines.map(() => undefined);
        for (const [i, { ms, setAt, cancelAfter }] of deadlines.entries()) {
          ports.timers.after(setAt, () => {
            const timer = wheel.at(wheel.now() + ms, () => ran[i]?.push(wheel.now()));
            if (cancelAfter === undefined) return;
            ports.timers.after(cancelAfter, () => {
              cancelled[i] = wheel.now();
              timer.cancel();
              timer.cancel();
            });
          });
        }
        await ports.advance(30_000);
        for (const [i, { ms, setAt, cancelAfter }] of deadlines.entries()) {
          const due = setAt + Math.max(0, ms);
          const times = ran[i] ?? [];
          if (times.length === 0) {
            assert.ok(cancelAfter !== undefined && setAt + cancelAfter <= due + tickMs);
            continue;
          }
          assert.equal(times.length, 1);
          const [at = 0] = times;
          assert.ok(at >= due && at <= due + tickMs, `due ${due}, ran ${at}`);
          assert.ok((cancelled[i] ?? Number.POSITIVE_INFINITY) >= at);
        }
        assert.equal(wheel.size, 0);
        assert.equal(ports.pending, 0);
      }),
      { numRuns: 60 },
    );
  });

  it("sets one timer for any number of deadlines and none when there is nothing to wait for", async () => {
    const ports = virtualPorts();
    const wheel = deadlineWheel(ports);
    const timers = Array.from({ length: 1000 }, (_, i) => wheel.at(1000 + i, () => assert.fail("cancelled")));
    assert.equal(ports.pending, 1);
    for (const timer of timers) timer.cancel();
    await ports.advance(3000);
    assert.deepEqual([wheel.size, ports.pending], [0, 0]);
    wheel.at(Number.POSITIVE_INFINITY, () => assert.fail("never"));
    assert.deepEqual([wheel.size, ports.pending], [0, 0]);
  });

  it("lets a deadline cancel another of the same tick", async () => {
    const ports = virtualPorts();
    const wheel = deadlineWheel(ports);
    let ran = 0;
    const timers = [0, 1].map((i) =>
      wheel.at(100, () => {
        ran++;
        timers[1 - i]?.cancel();
      }),
    );
    await ports.advance(200);
    assert.equal(ran, 1);
  });

  it("turns by the real clock too", async () => {
    const wheel = deadlineWheel(systemPorts);
    const start = wheel.now();
    const hold = setInterval(() => undefined, 1000); // the wheel does not keep the process alive
    const late = await new Promise<number>((resolve) =>
      wheel.at(start + 20, () => resolve(wheel.now() - (start + 20))),
    );
    clearInterval(hold);
    assert.ok(late >= 0);
  });
});
