import assert from "node:assert/strict";
import { it } from "node:test";
import type { Instance, LoadBalancer } from "@mortise/kernel";
import { loadBalancerConformance, shares } from "@mortise/kernel/spi/loadbalancer.conformance";
import { sampleInstance, sampleSite, virtualPorts } from "@mortise/kernel/testing";
import fc from "fast-check";
import { randomBalancer } from "./random.ts";

const options = { warmupMs: 600_000 };
const pickerOf = (balancer: LoadBalancer) => balancer.picker(sampleSite());

loadBalancerConformance({
  name: "random",
  make: () => ({ subject: (ports) => randomBalancer(options, ports) }),
});

it("gives each instance its share of 100,000 picks, within four standard deviations", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 12 }),
      fc.integer(),
      (weights, seed) => {
        const picker = pickerOf(randomBalancer(options, virtualPorts({ seed })));
        const total = weights.reduce((sum, weight) => sum + weight);
        const candidates = weights.map((weight, i) => sampleInstance(`i${i}`, { weight }));
        for (const [i, share] of shares(picker, candidates, 100_000).entries()) {
          const expected = (weights[i] ?? 0) / total;
          const deviation = Math.sqrt((expected * (1 - expected)) / 100_000);
          assert.ok(
            Math.abs(share - expected) <= 4.5 * deviation + 1e-9,
            `${share} instead of ${expected} of ${weights.join()}`,
          );
        }
      },
    ),
    { numRuns: 12, seed: 1 },
  );
});

it("follows the warm-up curve", async () => {
  const ports = virtualPorts();
  const picker = pickerOf(randomBalancer(options, ports));
  const candidates = [sampleInstance("warm"), sampleInstance("new", { startedAt: ports.clock.wall() })];
  for (const minute of [1, 3, 5, 9, 10, 30]) {
    await ports.advance(minute * 60_000 - ports.clock.now());
    const weight = Math.min(100, minute * 10);
    const [, share = 0] = shares(picker, candidates, 20_000);
    assert.ok(Math.abs(share - weight / (100 + weight)) < 0.02, `${share} after ${minute} minutes`);
  }
});

it("never reaches past the ends of the line", () => {
  const candidates: readonly Instance[] = [0, 3, 0, 5, 0].map((weight, i) => sampleInstance(`${i}`, { weight }));
  for (const [point, id] of [
    [0, "1"],
    [0.3749, "1"],
    [0.375, "3"],
    [1 - 2 ** -53, "3"],
  ] as const) {
    const picker = pickerOf(randomBalancer(options, { ...virtualPorts(), random: () => point }));
    assert.equal(picker.pick(candidates, {} as never).instance.id, id);
  }
});

it("gives out the same object for the same instance", () => {
  const picker = pickerOf(randomBalancer(options, virtualPorts()));
  const candidates = [sampleInstance("a"), sampleInstance("b", { weight: 3 })];
  const seen = new Set(Array.from({ length: 100 }, () => picker.pick(candidates, {} as never)));
  assert.equal(seen.size, 2);
});
