import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isPermit, type Permit, type Refusal, systemPorts } from "@mortise/kernel";
import { eventLoopLoad } from "@mortise/kernel/spi/event-loop-load";
import { crowd, limiterConformance } from "@mortise/kernel/spi/limiter.conformance";
import { eventually, sampleSite, virtualPorts } from "@mortise/kernel/testing";
import fc from "fast-check";
import { bbr, bbrLimiter } from "./bbr.ts";
import { peaks } from "./peaks.ts";

limiterConformance({
  name: "bbr",
  make: () => ({
    subject: { make: ({ clock }) => bbrLimiter(clock, { read: () => 1 }), fields: { bbr: {} }, keyed: false },
  }),
  deviations: [
    {
      law: "refuses a part of a crowd, and says when to come again",
      reason: "it refuses only once it knows what it can serve, and one call of the same moment teaches it nothing",
    },
  ],
});

describe("limiter/bbr", () => {
  const taught = async (load: () => number) => {
    const ports = virtualPorts();
    const limit = bbrLimiter(ports.clock, { read: load }).limit(sampleSite({ policy: { fields: { bbr: {} } } }));
    assert.ok(limit);
    for (let i = 0; i < 100; i++) {
      const permits = await crowd(limit, 4); // four calls per 100 ms that take 50 ms each: two in flight
      for (const permit of permits) permit.release({ code: "OK", tookMs: 50 });
      await ports.advance(100);
    }
    return { ports, limit };
  };

  it("keeps to throughput times latency while the loop is overloaded", async () => {
    const { limit } = await taught(() => 1);
    assert.equal((await crowd(limit, 100)).length, 3); // one more than the product, then it is over
  });

  it("sets no limit while the loop has room", async () => {
    const { limit } = await taught(() => 0.5);
    assert.equal((await crowd(limit, 100)).length, 100);
  });

  it("goes on for a second after the load went down", async () => {
    let load = 1;
    const { limit, ports } = await taught(() => load);
    const held = await crowd(limit, 100);
    load = 0;
    assert.equal((await crowd(limit, 10)).length, 0);
    await ports.advance(1001);
    assert.equal((await crowd(limit, 10)).length, 10);
    for (const permit of held) permit.release({ code: "OK", tookMs: 1 });
  });

  it("computes the limit by the formula", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 20 }), { minLength: 1, maxLength: 10 }),
        (turns) => {
          const known = peaks(1000, 10);
          for (const [turn, calls] of turns.entries()) for (const tookMs of calls) known.add(tookMs, turn * 100);
          const used = turns.filter((calls) => calls.length > 0);
          const maxPass = Math.max(...used.map((calls) => calls.length));
          const minRt = Math.min(...used.map((calls) => calls.reduce((sum, ms) => sum + ms, 0) / calls.length));
          const expected =
            used.length === 0 ? Number.POSITIVE_INFINITY : Math.floor((maxPass * Math.max(1, minRt) * 10) / 1000 + 0.5);
          assert.equal(known.maxInFlight(turns.length * 100), expected);
        },
      ),
    );
  });

  it("admits by load, calls in flight and the limit of the formula, through anything", async () => {
    const step = fc.record({
      load: fc.constantFrom(0, 0.5, 0.8, 1),
      wait: fc.integer({ min: 0, max: 700 }),
      calls: fc.integer({ min: 0, max: 8 }),
      ends: fc.array(fc.record({ ok: fc.boolean(), tookMs: fc.integer({ min: 1, max: 400 }) }), { maxLength: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const ports = virtualPorts();
        let load = 0;
        const site = sampleSite({ policy: { fields: { bbr: { windowMs: 1000, buckets: 10 } } } });
        const limit = bbrLimiter(ports.clock, { read: () => load }).limit(site);
        assert.ok(limit);
        const known = peaks(1000, 10);
        const held: Permit[] = [];
        let droppedAt = Number.NEGATIVE_INFINITY;
        for (const { wait, calls, ends, ...now } of steps) {
          await ports.advance(wait);
          load = now.load;
          const at = ports.clock.now();
          for (let i = 0; i < calls; i++) {
            const watched = load >= 0.8 || at - droppedAt <= 1000;
            const drops = watched && held.length > 1 && held.length > known.maxInFlight(at);
            const answer: Permit | Refusal = await limit.acquire("");
            assert.equal(isPermit(answer), !drops);
            if (isPermit(answer)) held.push(answer);
            else if (load >= 0.8) droppedAt = at;
          }
          for (const { ok, tookMs } of ends.slice(0, held.length)) {
            held.pop()?.release({ code: ok ? "OK" : "UNAVAILABLE", tookMs });
            if (ok) known.add(tookMs, at);
          }
        }
      }),
    );
  });

  it("keeps its limit while nothing goes well, however long", () => {
    const known = peaks(1000, 10);
    assert.equal(known.maxInFlight(50), Number.POSITIVE_INFINITY);
    for (let i = 0; i < 4; i++) known.add(50, 150);
    const limit = known.maxInFlight(250);
    assert.equal(limit, 2);
    assert.equal(known.maxInFlight(60_000), limit);
  });

  it("measures a loop that is kept busy", async () => {
    const gauge = eventLoopLoad(systemPorts);
    try {
      await eventually(() => {
        for (const end = performance.now() + 200; performance.now() < end; );
        return gauge.read() > 0.2;
      }, 20_000);
    } finally {
      gauge.stop();
    }
  });

  it("is the plugin limiter/bbr", () => assert.equal(bbr.id, "limiter/bbr"));
});
