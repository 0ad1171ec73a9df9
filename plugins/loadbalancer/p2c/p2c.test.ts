import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Instance } from "@mortise/kernel";
import {
  type Behaviour,
  loadBalancerConformance,
  shares,
  sharesUnderLoad,
} from "@mortise/kernel/spi/loadbalancer.conformance";
import { sampleInstance, sampleSite, virtualPorts } from "@mortise/kernel/testing";
import { Node } from "./node.ts";
import { p2cBalancer } from "./p2c-balancer.ts";

const options = { warmupMs: 600_000, decayMs: 10_000, forceAfterMs: 1000 };
const call = {} as never;
const list = (...ids: string[]): readonly Instance[] => ids.map((id) => sampleInstance(id));

loadBalancerConformance({
  name: "p2c",
  make: () => ({ subject: (ports) => p2cBalancer(options, ports) }),
  deviations: [
    "shares 100,000 picks of idle instances in proportion to weight",
    "gives a new idle instance its share along the warm-up curve",
  ].map((law) => ({
    law,
    reason: "it compares loads by weight: the heaviest of idle instances wins; under load shares follow weight",
  })),
});

const sharesUnder = (
  workers: number,
  candidates: readonly Instance[],
  behaviour: (id: string, now: number) => Behaviour,
  forMs = 20_000,
) => sharesUnderLoad((ports) => p2cBalancer(options, ports), { workers, candidates, behaviour, forMs });

describe("loadbalancer/p2c", () => {
  it("gives equal instances equal shares of 100,000 picks", () => {
    const picker = p2cBalancer(options, virtualPorts()).picker(sampleSite());
    for (const share of shares(picker, list("a", "b", "c", "d"), 100_000))
      assert.ok(Math.abs(share - 0.25) < 0.01, `${share}`);
  });

  it("avoids an instance that is ten times slower, and still asks it now and then", async () => {
    const got = await sharesUnder(12, list("a", "b", "c", "slow"), (id) => ({ tookMs: id === "slow" ? 100 : 10 }));
    const slow = got.get("slow") ?? 1;
    assert.ok(slow < 0.1 && slow > 0.0005, `${slow} of all calls`);
  });

  it("goes back to an instance that has become fast again", async () => {
    const got = await sharesUnder(
      4,
      list("a", "b"),
      (id, now) => ({ tookMs: id === "b" && now < 10_000 ? 100 : 10 }),
      200_000,
    );
    assert.ok((got.get("b") ?? 0) > 0.3, `${got.get("b")} of all calls`);
  });

  it("avoids instances that fail, whatever their speed", async () => {
    const fails = (id: string): Behaviour => (id === "bad" ? { tookMs: 10, code: "UNAVAILABLE" } : { tookMs: 10 });
    const got = await sharesUnder(8, list("a", "b", "c", "bad"), fails, 60_000);
    assert.ok((got.get("bad") ?? 1) < 0.1, `${got.get("bad")} of all calls`);
  });

  it("does not hold refusals against an instance", async () => {
    const refuses = (id: string): Behaviour => (id === "b" ? { tookMs: 10, code: "NOT_FOUND" } : { tookMs: 10 });
    const got = await sharesUnder(8, list("a", "b", "c"), refuses, 60_000);
    assert.ok(Math.abs((got.get("b") ?? 0) - 1 / 3) < 0.05, `${got.get("b")} of all calls`);
  });

  it("shares work under load in proportion to weight", async () => {
    const candidates = [sampleInstance("light", { weight: 20 }), sampleInstance("heavy", { weight: 80 })];
    const got = await sharesUnder(40, candidates, () => ({ tookMs: 10 }));
    assert.ok(Math.abs((got.get("light") ?? 0) - 0.2) < 0.05, `${got.get("light")} of all calls`);
  });

  it("picks an instance that has lost for a second", async () => {
    const ports = virtualPorts();
    const picker = p2cBalancer(options, ports).picker(sampleSite());
    const candidates = list("a", "b");
    const slow = picker.pick(candidates, call);
    slow.done({ tookMs: 50, code: "OK" });
    const picks = () => Array.from({ length: 10 }, () => picker.pick(candidates, call).instance.id);
    const [other = ""] = picks();
    assert.notEqual(other, slow.instance.id);
    assert.ok(picks().every((id) => id === other));
    await ports.advance(1001);
    assert.equal(picks().filter((id) => id !== other).length, 1);
  });

  it("follows the warm-up curve under load", async () => {
    const ports = virtualPorts();
    const picker = p2cBalancer(options, ports).picker(sampleSite());
    const candidates = [sampleInstance("warm"), sampleInstance("new", { startedAt: ports.clock.wall() })];
    await ports.advance(300_000);
    const open = Array.from({ length: 300 }, () => picker.pick(candidates, call));
    const share = open.filter(({ instance }) => instance.id === "new").length / 300;
    assert.ok(Math.abs(share - 1 / 3) < 0.03, `${share} at half of the warm-up`);
  });

  it("gives out the same object for the same instance", () => {
    const picker = p2cBalancer(options, virtualPorts()).picker(sampleSite());
    const candidates = list("a", "b", "c");
    assert.equal(new Set(Array.from({ length: 100 }, () => picker.pick(candidates, call))).size, 3);
  });
});

it("load is the root of the averaged delay in nanoseconds by the calls under way", async () => {
  const ports = virtualPorts();
  const node = new Node(sampleInstance("a"), 10_000, ports.clock);
  assert.equal(node.load, 1);
  node.picked(0);
  assert.equal(node.load, 2);
  await ports.advance(100);
  node.done({ tookMs: 4, code: "OK" });
  assert.equal(node.load, Math.sqrt(4e6 + 1));
  await ports.advance(10_000);
  node.picked(0).done({ tookMs: 9, code: "OK" });
  assert.ok(Math.abs(node.load - Math.sqrt((4 / Math.E + 9 * (1 - 1 / Math.E)) * 1e6 + 1)) < 1e-6);
});

it("an instance is healthy while more than half of its recent calls were good", async () => {
  const ports = virtualPorts();
  const node = new Node(sampleInstance("a"), 10_000, ports.clock);
  for (let i = 0; i < 6; i++) {
    await ports.advance(1000);
    node.picked(0).done({ tookMs: 1, code: "INTERNAL" });
  }
  assert.ok(node.healthy, "a thousandth of e^-0.6 is left");
  await ports.advance(1000);
  node.picked(0).done({ tookMs: 1, code: "INTERNAL" });
  assert.ok(!node.healthy);
});
