import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { sampleInstance } from "../testing/samples.ts";
import { effectiveWeight } from "./loadbalancer.ts";

const weightAt = (uptime: number, weight = 100) =>
  effectiveWeight(sampleInstance("a", { weight, startedAt: 1_000_000 }), 1_000_000 + uptime, 600_000);

it("grows in a straight line over the warm-up", () => {
  assert.deepEqual(
    [0, 5_999, 12_000, 300_000, 594_000, 600_000, 900_000].map((uptime) => weightAt(uptime)),
    [1, 1, 2, 50, 99, 100, 100],
  );
});

it("counts a start in the future as 1, an unknown one as warm, a weight of zero or less as 0", () => {
  assert.equal(weightAt(-1), 1);
  assert.equal(effectiveWeight(sampleInstance("a"), 1), 100);
  assert.equal(weightAt(900_000, 0), 0);
  assert.equal(weightAt(900_000, -5), 0);
});

it("never leaves the range from 1 to the weight and never falls", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.integer({ min: -1_000_000, max: 1_000_000 }),
      fc.integer({ min: 0, max: 1_000_000 }),
      (weight, uptime, later) => {
        const now = weightAt(uptime, weight);
        assert.ok(now >= 1 && now <= weight);
        assert.ok(weightAt(uptime + later, weight) >= now);
      },
    ),
  );
});
