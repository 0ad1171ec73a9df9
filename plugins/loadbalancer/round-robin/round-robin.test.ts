import assert from "node:assert/strict";
import { it } from "node:test";
import { loadBalancerConformance, shares } from "@mortise/kernel/spi/loadbalancer.conformance";
import { sampleInstance, sampleSite, virtualPorts } from "@mortise/kernel/testing";
import fc from "fast-check";
import { rotation } from "./rotation.ts";
import { roundRobinBalancer } from "./round-robin.ts";

const options = { warmupMs: 600_000 };
const weightsOf = (max: number) => fc.array(fc.integer({ min: 1, max }), { minLength: 1, maxLength: 12 });

/** The rule as nginx writes it, with one running value per item. */
function nginx(weights: readonly number[]): () => number {
  const current = weights.map(() => 0);
  const total = weights.reduce((sum, weight) => sum + weight);
  return () => {
    for (const [i, weight] of weights.entries()) current[i] = (current[i] ?? 0) + weight;
    const taken = current.indexOf(Math.max(...current));
    current[taken] = (current[taken] ?? 0) - total;
    return taken;
  };
}

loadBalancerConformance({
  name: "round-robin",
  make: () => ({ subject: (ports) => roundRobinBalancer(options, ports) }),
});

it("spreads a heavy instance evenly", () => {
  const turn = rotation(["a", "b", "c"], [5, 1, 1]);
  assert.deepEqual(Array.from({ length: 7 }, turn).join(""), "aabacaa");
});

it("takes the same turns as nginx's rule, for any weights", () => {
  fc.assert(
    fc.property(weightsOf(6), (weights) => {
      const turn = rotation([...weights.keys()], weights);
      const expected = nginx(weights);
      for (let i = 0; i < 200; i++) assert.equal(turn(), expected());
    }),
  );
});

it("takes the same turns from another first instance as nginx's rule on the turned list", () => {
  fc.assert(
    fc.property(weightsOf(6), fc.nat(), (weights, start) => {
      const from = start % weights.length;
      const order = [...weights.keys()].map((i) => (from + i) % weights.length);
      const turn = rotation([...weights.keys()], weights, from);
      const expected = nginx(order.map((i) => weights[i] ?? 0));
      for (let i = 0; i < 100; i++) assert.equal(turn(), order[expected()]);
    }),
  );
});

it("gives each instance its share of 100,000 picks, to one call per round", () => {
  fc.assert(
    fc.property(weightsOf(1000), fc.integer(), (weights, seed) => {
      const picker = roundRobinBalancer(options, virtualPorts({ seed })).picker(sampleSite());
      const total = weights.reduce((sum, weight) => sum + weight);
      const candidates = weights.map((weight, i) => sampleInstance(`i${i}`, { weight }));
      for (const [i, share] of shares(picker, candidates, 100_000).entries()) {
        const expected = (weights[i] ?? 0) / total;
        assert.ok(Math.abs(share - expected) * 100_000 <= weights.length, `${share} instead of ${expected}`);
      }
    }),
    { numRuns: 12 },
  );
});

it("follows the warm-up curve", async () => {
  const ports = virtualPorts();
  const picker = roundRobinBalancer(options, ports).picker(sampleSite());
  const candidates = [sampleInstance("warm"), sampleInstance("new", { startedAt: ports.clock.wall() })];
  for (const minute of [1, 3, 5, 9, 10, 30]) {
    await ports.advance(minute * 60_000 - ports.clock.now());
    const weight = Math.min(100, minute * 10);
    const [, share = 0] = shares(picker, candidates, 10_000);
    assert.ok(Math.abs(share - weight / (100 + weight)) < 0.002, `${share} after ${minute} minutes`);
  }
});

it("begins each method and client at another place", () => {
  const ports = virtualPorts();
  const candidates = Array.from({ length: 10 }, (_, i) => sampleInstance(`${i}`));
  const first = () =>
    roundRobinBalancer(options, ports)
      .picker(sampleSite())
      .pick(candidates, {} as never).instance.id;
  assert.ok(new Set(Array.from({ length: 30 }, first)).size > 3);
});

it("gives out the same object for the same instance", () => {
  const picker = roundRobinBalancer(options, virtualPorts()).picker(sampleSite());
  const candidates = [sampleInstance("a"), sampleInstance("b", { weight: 3 })];
  const seen = new Set(Array.from({ length: 100 }, () => picker.pick(candidates, {} as never)));
  assert.equal(seen.size, 2);
});
