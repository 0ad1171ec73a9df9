import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { virtualPorts } from "./virtual-ports.ts";

describe("virtual ports", () => {
  it("run timers in order of time, those of one moment in the order they were set", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 20 })), async (delays) => {
        const ports = virtualPorts();
        const ran: { ms: number; index: number }[] = [];
        for (const [index, ms] of delays.entries()) {
          ports.timers.after(ms, () => {
            assert.equal(ports.clock.now(), ms);
            ran.push({ ms, index });
          });
        }
        await ports.advance(20);
        const inOrder = delays.map((ms, index) => ({ ms, index })).sort((a, b) => a.ms - b.ms || a.index - b.index);
        assert.deepEqual(ran, inOrder);
        assert.equal(ports.pending, 0);
      }),
      { numRuns: 50 },
    );
  });

  it("let promises settle between two timers, so that a loop of sleeps sees each of its moments", async () => {
    const ports = virtualPorts();
    const seen: number[] = [];
    const loop = (async () => {
      for (let i = 0; i < 3; i++) {
        await ports.timers.sleep(10);
        seen.push(ports.clock.now());
      }
    })();
    await ports.advance(25);
    assert.deepEqual(seen, [10, 20]);
    await ports.advance(5);
    await loop;
    assert.deepEqual(seen, [10, 20, 30]);
  });

  it("repeat until cancelled, also from inside", async () => {
    const ports = virtualPorts();
    let runs = 0;
    const timer = ports.timers.every(7, () => {
      if (++runs === 3) timer.cancel();
    });
    await ports.advance(100);
    assert.equal(runs, 3);
    assert.equal(ports.pending, 0);
  });

  it("end a sleep when its signal is aborted", async () => {
    const ports = virtualPorts();
    const control = new AbortController();
    const sleep = ports.timers.sleep(50, control.signal);
    control.abort(new Error("enough"));
    await assert.rejects(sleep, /enough/);
    assert.equal(ports.pending, 0);
    await assert.rejects(ports.timers.sleep(1, control.signal), /enough/);
  });

  it("settle work by moving time as far as it needs and no farther", async () => {
    const ports = virtualPorts();
    const work = ports.timers.sleep(30).then(() => ports.timers.sleep(12));
    ports.timers.after(43, () => undefined);
    await ports.settle(work);
    assert.equal(ports.clock.now(), 42);
    await assert.rejects(ports.settle(Promise.reject(new Error("broken"))), /broken/);
    await assert.rejects(ports.settle(new Promise(() => undefined)), /still open/);
  });

  it("give the same random numbers for the same seed, spread over [0, 1)", () => {
    const draw = (seed: number) => Array.from({ length: 10_000 }, virtualPorts({ seed }).random);
    assert.deepEqual(draw(5), draw(5));
    assert.notDeepEqual(draw(5), draw(6));
    const numbers = draw(1);
    assert.ok(numbers.every((number) => number >= 0 && number < 1));
    const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
    assert.ok(Math.abs(mean - 0.5) < 0.02, `mean ${mean}`);
  });

  it("count ids, of the right shape and never zero", () => {
    const { ids } = virtualPorts();
    assert.equal(ids.uuid(), "00000000-0000-4000-8000-000000000001");
    assert.equal(ids.hex(8), "0000000000000002");
    assert.equal(ids.hex(20), "0000000000000003000000000000000400000005");
  });

  it("tell wall time from where it was set", async () => {
    const ports = virtualPorts({ wall: 1_000 });
    await ports.advance(5);
    assert.equal(ports.clock.wall(), 1_005);
  });
});
