import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Instance, Picked } from "@mortise/kernel";
import { loadBalancerConformance, shares } from "@mortise/kernel/spi/loadbalancer.conformance";
import { sampleInstance, sampleSite, virtualPorts } from "@mortise/kernel/testing";
import fc from "fast-check";
import { leastActiveBalancer } from "./least-active-balancer.ts";

const options = { warmupMs: 600_000 };
const call = {} as never;
const pickerOf = (ports = virtualPorts()) => leastActiveBalancer(options, ports).picker(sampleSite());
const over = (picked: Picked | undefined) => picked?.done({ tookMs: 1, code: "OK" });

loadBalancerConformance({
  name: "least-active",
  make: () => ({ subject: (ports) => leastActiveBalancer(options, ports) }),
});

describe("loadbalancer/least-active", () => {
  it("picks one of those with the fewest calls under way, whichever lists of candidates it is given", () => {
    const all = Array.from({ length: 6 }, (_, i) => sampleInstance(`${i}`));
    const lists: readonly (readonly Instance[])[] = [all, all.slice(0, 3), all.slice(2), [...all].reverse()];
    const step = fc.record({ list: fc.nat(3), end: fc.option(fc.nat(), { nil: undefined }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const picker = pickerOf();
        const open: Picked[] = [];
        const active = (instance: Instance) => open.filter((picked) => picked.instance === instance).length;
        for (const { list, end } of steps) {
          const candidates = lists[list] ?? all;
          const least = Math.min(...candidates.map(active));
          const picked = picker.pick(candidates, call);
          assert.ok(candidates.includes(picked.instance));
          assert.equal(active(picked.instance), least);
          open.push(picked);
          if (end !== undefined) over(open.splice(end % open.length, 1)[0]);
        }
      }),
    );
  });

  it("keeps count though it is given more lists than it keeps", () => {
    const all = Array.from({ length: 40 }, (_, i) => sampleInstance(`${i}`));
    const lists = all.slice(1).map((instance) => [all[0] as Instance, instance]);
    const picker = pickerOf();
    const open = lists.map((candidates) => picker.pick(candidates, call));
    const first = open.filter(({ instance }) => instance === all[0]).length;
    assert.ok(first <= 1, `${first} calls at once on the first instance, though the others are idle`);
    for (const picked of open) over(picked);
    assert.ok(shares(picker, lists[0] ?? [], 400).every((share) => share > 0.4));
  });

  it("gives an idle list its shares by weight, of 100,000 picks, within four standard deviations", () => {
    const weights = [1, 5, 10, 84];
    const candidates = weights.map((weight, i) => sampleInstance(`${i}`, { weight }));
    for (const [i, share] of shares(pickerOf(), candidates, 100_000).entries()) {
      const expected = (weights[i] ?? 0) / 100;
      assert.ok(
        Math.abs(share - expected) < 4 * Math.sqrt((expected * (1 - expected)) / 100_000),
        `${share} for ${expected}`,
      );
    }
  });

  it("sends a slow instance as few calls as it finishes", async () => {
    const ports = virtualPorts();
    const picker = pickerOf(ports);
    const candidates = [sampleInstance("fast"), sampleInstance("slow")];
    const counts = new Map<string, number>();
    const worker = async () => {
      for (let i = 0; i < 200; i++) {
        const picked = picker.pick(candidates, call);
        const { id } = picked.instance;
        counts.set(id, (counts.get(id) ?? 0) + 1);
        await ports.timers.sleep(id === "slow" ? 10 : 1);
        over(picked);
      }
    };
    await ports.settle(Promise.all(Array.from({ length: 16 }, worker)));
    const ratio = (counts.get("fast") ?? 0) / (counts.get("slow") ?? 1);
    assert.ok(ratio > 6 && ratio < 13, `${ratio} times the calls for a tenth of the time`);
  });

  it("follows the warm-up curve among idle instances", async () => {
    const ports = virtualPorts();
    const picker = pickerOf(ports);
    const candidates = [sampleInstance("warm"), sampleInstance("new", { startedAt: ports.clock.wall() })];
    for (const minute of [1, 5, 10]) {
      await ports.advance(minute * 60_000 - ports.clock.now());
      const weight = minute * 10;
      const [, share = 0] = shares(picker, candidates, 20_000);
      assert.ok(Math.abs(share - weight / (100 + weight)) < 0.02, `${share} after ${minute} minutes`);
    }
  });

  it("gives out the same object for the same instance", () => {
    const picker = pickerOf();
    const candidates = [sampleInstance("a"), sampleInstance("b")];
    assert.equal(new Set(Array.from({ length: 50 }, () => picker.pick(candidates, call))).size, 2);
  });
});
