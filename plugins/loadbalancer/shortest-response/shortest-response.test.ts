import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Instance, Picked } from "@mortise/kernel";
import {
  type Behaviour,
  loadBalancerConformance,
  shares,
  sharesUnderLoad,
} from "@mortise/kernel/spi/loadbalancer.conformance";
import { sampleInstance, sampleSite, virtualPorts } from "@mortise/kernel/testing";
import fc from "fast-check";
import { Estimate, type Slide } from "./estimate.ts";
import { shortestResponse } from "./shortest-response.ts";
import { shortestResponseBalancer } from "./shortest-response-balancer.ts";

const options = { warmupMs: 600_000, slideMs: 30_000 };
const call = {} as never;
const list = (...ids: string[]): readonly Instance[] => ids.map((id) => sampleInstance(id));
const pickerOf = (ports = virtualPorts()) => shortestResponseBalancer(options, ports).picker(sampleSite());
const sharesUnder = (workers: number, candidates: readonly Instance[], behaviour: (id: string) => Behaviour) =>
  sharesUnderLoad((ports) => shortestResponseBalancer(options, ports), { workers, candidates, behaviour });

loadBalancerConformance({
  name: "shortest-response",
  make: () => ({ subject: (ports) => shortestResponseBalancer(options, ports) }),
});

describe("loadbalancer/shortest-response", () => {
  it("asks each instance once before it knows anything, and the slow ones no more while others are quick", () => {
    const picker = pickerOf();
    const candidates = list("a", "b", "c", "d");
    const first = candidates.map(() => picker.pick(candidates, call));
    assert.equal(new Set(first.map(({ instance }) => instance)).size, 4);
    for (const [i, { done }] of first.entries()) done({ tookMs: i === 2 ? 3 : 40, code: "OK" });
    const quick = first[2]?.instance;
    assert.ok(shares(picker, candidates, 50)[candidates.indexOf(quick as Instance)] === 1);
  });

  it("sends an instance that is ten times slower a tenth of the calls at most", async () => {
    const got = await sharesUnder(12, list("a", "b", "c", "slow"), (id) => ({ tookMs: id === "slow" ? 100 : 10 }));
    const slow = got.get("slow") ?? 1;
    assert.ok(slow < 0.05, `${slow} of all calls`);
    for (const id of ["a", "b", "c"]) assert.ok((got.get(id) ?? 0) > 0.25, `${got.get(id)} for ${id}`);
  });

  it("is not drawn to an instance that fails at once", async () => {
    const got = await sharesUnder(8, list("a", "b", "bad"), (id) =>
      id === "bad" ? { tookMs: 1, code: "UNAVAILABLE" } : { tookMs: 20 },
    );
    assert.ok((got.get("bad") ?? 1) < 0.05, `${got.get("bad")} of all calls`);
  });

  it("does not pile calls onto an instance that never answers", () => {
    const picker = pickerOf();
    const candidates = list("a", "dead");
    let stuck = 0;
    for (let i = 0; i < 100; i++) {
      const { instance, done } = picker.pick(candidates, call);
      if (instance.id === "dead") stuck++;
      else done({ tookMs: 5, code: "OK" });
    }
    assert.equal(stuck, 1);
  });

  it("measures anew when a slide is over", async () => {
    const ports = virtualPorts();
    const picker = pickerOf(ports);
    const candidates = list("a", "b");
    const answer = ({ instance, done }: Picked) => done({ tookMs: instance.id === "a" ? 5 : 50, code: "OK" });
    for (let i = 0; i < 10; i++) answer(picker.pick(candidates, call));
    await ports.advance(29_999);
    assert.equal(picker.pick(candidates, call).instance.id, "a");
    await ports.advance(1);
    const both = [picker.pick(candidates, call), picker.pick(candidates, call)];
    assert.ok(both.some(({ instance }) => instance.id === "b"));
  });

  it("gives out the same object for the same instance", () => {
    const picker = pickerOf();
    const candidates = list("a", "b");
    assert.equal(new Set(Array.from({ length: 50 }, () => picker.pick(candidates, call))).size, 2);
  });

  it("is the plugin loadbalancer/shortest-response", () =>
    assert.equal(shortestResponse.id, "loadbalancer/shortest-response"));
});

it("an estimate is the average of the slide by the calls under way, to a quarter of a doubling", () => {
  const times = fc.array(fc.double({ min: 0.1, max: 5000, noNaN: true }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(times, fc.nat(10), (all, active) => {
      const slide: Slide = { number: 0 };
      const estimate = new Estimate(sampleInstance("a"), () => undefined, slide, 1000);
      for (const tookMs of all) estimate.picked().done({ tookMs, code: "OK" });
      for (let i = 0; i < active; i++) estimate.picked();
      const expected = (all.reduce((sum, ms) => sum + ms, 0) / all.length) * (active + 1);
      assert.ok(Math.abs(Math.log2(estimate.load / expected)) <= 1 / 8 + 1e-9, `${estimate.load} for ${expected}`);
      slide.number++;
      assert.equal(estimate.load, active * 1000);
    }),
  );
});
