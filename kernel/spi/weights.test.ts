import assert from "node:assert/strict";
import { it } from "node:test";
import { sampleInstance } from "../testing/samples.ts";
import { virtualPorts } from "../testing/virtual-ports.ts";
import { byWeight } from "./weights.ts";

it("computes once for candidates that are warm", async () => {
  const ports = virtualPorts();
  let computed = 0;
  const read = byWeight({ warmupMs: 600_000 }, ports.clock, (_, weights) => {
    computed++;
    return [...weights];
  });
  const some = [sampleInstance("a"), sampleInstance("b", { weight: 7 })];
  const others = [sampleInstance("a")];
  assert.deepEqual(read(some), [100, 7]);
  assert.deepEqual(read(others), [100]);
  await ports.advance(86_400_000);
  assert.equal(read(some), read(some));
  assert.equal(computed, 2);
});

it("follows the warm-up in thousandths of its length", async () => {
  const ports = virtualPorts();
  const read = byWeight({ warmupMs: 600_000 }, ports.clock, (_, weights) => [...weights]);
  const some = [sampleInstance("a", { weight: 1000, startedAt: ports.clock.wall() })];
  const first = read(some);
  await ports.advance(599);
  assert.equal(read(some), first);
  for (const [ms, weight] of [
    [30_000, 50],
    [270_000, 500],
    [299_000, 999],
    [2_000, 1000],
  ] as const) {
    await ports.advance(ms);
    assert.ok(Math.abs((read(some)[0] ?? 0) - weight) <= 2, `${read(some)[0]} is far from ${weight}`);
  }
  assert.deepEqual(read(some), [1000]);
});
