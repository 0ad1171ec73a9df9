import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { breakerConformance, offer } from "@mortise/kernel/spi/breaker.conformance";
import { sampleSite, virtualPorts } from "@mortise/kernel/testing";
import fc from "fast-check";
import { sre, sreBreaker } from "./sre.ts";

breakerConformance({ name: "sre", make: () => ({ subject: (ports) => sreBreaker(ports.clock, ports.random) }) });

describe("breaker/sre", () => {
  it("refuses with the probability of the formula", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 200 }),
        fc.integer({ min: 0, max: 200 }),
        fc.float({ min: 0, max: Math.fround(0.999), noNaN: true }),
        (good, bad, drawn) => {
          const ports = virtualPorts();
          let random = 1;
          const circuit = sreBreaker(ports.clock, () => random).circuits(sampleSite())();
          offer(circuit, good, true);
          offer(circuit, bad, false);
          const total = good + bad;
          const share = total < 20 ? 0 : Math.max(0, (total - 2 * good) / (total + 1));
          random = drawn;
          assert.equal(circuit.admit(), drawn >= share, `${good} good, ${bad} bad, share ${share}, drawn ${drawn}`);
        },
      ),
    );
  });

  it("counts what is in its window, refusals too, as time passes", async () => {
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 900 }),
      calls: fc.integer({ min: 1, max: 15 }),
      ok: fc.boolean(),
      drawn: fc.double({ min: 0, max: 0.999, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.constantFrom(1.2, 2, 3), async (steps, k) => {
        const ports = virtualPorts();
        let drawn = 0;
        const site = sampleSite({ policy: { fields: { breakerSre: { k, windowMs: 2000, minCalls: 10 } } } });
        const circuit = sreBreaker(ports.clock, () => drawn).circuits(site)();
        let seen: { readonly bucket: number; readonly ok: boolean }[] = [];
        for (const { wait, calls, ok, drawn: next } of steps) {
          await ports.advance(wait);
          drawn = next;
          const bucket = Math.floor(ports.clock.now() / 200);
          for (let i = 0; i < calls; i++) {
            seen = seen.filter((call) => call.bucket > bucket - 10);
            const good = seen.filter((call) => call.ok).length;
            const share = seen.length < 10 ? 0 : Math.max(0, (seen.length - k * good) / (seen.length + 1));
            const passes = share === 0 || drawn >= share;
            assert.equal(circuit.admit(), passes);
            if (passes) circuit.record(ok, 1);
            seen.push({ bucket, ok: passes && ok });
          }
        }
      }),
    );
  });

  it("settles at letting through about K times what goes well", async () => {
    const ports = virtualPorts();
    const circuit = sreBreaker(ports.clock, ports.random).circuits(sampleSite())();
    let passed = 0;
    let capacity = 0;
    for (let tick = 0; tick < 3000; tick++) {
      if (tick % 100 === 0) capacity = 10; // ten of a hundred go well
      if (circuit.admit()) {
        circuit.record(capacity-- > 0, 1);
        if (tick >= 1000) passed++;
      }
      await ports.advance(10);
    }
    assert.ok(passed > 200 && passed < 700, `${passed} of 2000 passed, 200 could go well`);
  });

  it("is the plugin breaker/sre", () => assert.equal(sre.id, "breaker/sre"));
});
