import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Instance, metadata, type Outcome } from "@mortise/kernel";
import { type LoadReport, loadReportTrailer, writeLoadReport } from "@mortise/kernel/spi/load-report";
import {
  type Behaviour,
  loadBalancerConformance,
  shares,
  sharesUnderLoad,
} from "@mortise/kernel/spi/loadbalancer.conformance";
import { sampleInstance, sampleSite, virtualPorts } from "@mortise/kernel/testing";
import { adaptive } from "./adaptive.ts";
import { adaptiveBalancer } from "./adaptive-balancer.ts";
import { Reported } from "./reported.ts";

const options = { warmupMs: 600_000 };
const call = {} as never;
const list = (...ids: string[]): readonly Instance[] => ids.map((id) => sampleInstance(id));
const saying = (report: LoadReport) => () => metadata({ [loadReportTrailer]: writeLoadReport(report) });
const ok: Outcome = { tookMs: 1, code: "OK" };

const sharesUnder = (
  workers: number,
  candidates: readonly Instance[],
  behaviour: (id: string, now: number) => Behaviour,
  forMs?: number,
) =>
  sharesUnderLoad((ports) => adaptiveBalancer(options, ports), {
    workers,
    candidates,
    behaviour,
    ...(forMs && { forMs }),
  });
const steady = (tookMs: number, load = 0.3): Behaviour => ({ tookMs, trailers: saying({ load, tookMs }) });

const reason = "the heaviest of idle instances wins, for loads are compared; under load shares follow weight";

loadBalancerConformance({
  name: "adaptive",
  make: () => ({ subject: (ports) => adaptiveBalancer(options, ports) }),
  deviations: [
    { law: "shares 100,000 picks of idle instances in proportion to weight", reason },
    { law: "gives a new idle instance its share along the warm-up curve", reason },
  ],
});

describe("loadbalancer/adaptive", () => {
  it("asks providers for their load", () => {
    assert.deepEqual(adaptiveBalancer(options, virtualPorts()).picker(sampleSite()).asks, { "x-load-report": "1" });
  });

  it("gives equal instances equal shares of 100,000 picks, whether they report or not", () => {
    const picker = adaptiveBalancer(options, virtualPorts()).picker(sampleSite());
    for (const share of shares(picker, list("a", "b", "c", "d"), 100_000))
      assert.ok(Math.abs(share - 0.25) < 0.01, `${share}`);
  });

  it("shares work under load in proportion to weight", async () => {
    const candidates = [sampleInstance("light", { weight: 20 }), sampleInstance("heavy", { weight: 80 })];
    const got = await sharesUnder(40, candidates, () => steady(10));
    assert.ok(Math.abs((got.get("light") ?? 0) - 0.2) < 0.05, `${got.get("light")} of all calls`);
  });

  it("avoids an instance that says it is ten times slower, and still asks it now and then", async () => {
    const got = await sharesUnder(12, list("a", "b", "c", "slow"), (id) => steady(id === "slow" ? 100 : 10));
    const slow = got.get("slow") ?? 1;
    assert.ok(slow < 0.05 && slow > 0.0005, `${slow} of all calls`);
  });

  it("avoids an instance that says it is busy, though it answers as fast as the others", async () => {
    const got = await sharesUnder(12, list("a", "b", "c", "busy"), (id) => steady(10, id === "busy" ? 0.9 : 0.2));
    const busy = got.get("busy") ?? 1;
    assert.ok(busy < 0.12, `${busy} of all calls`);
  });

  it("is not drawn to an instance that fails at once and so reports nothing", async () => {
    const got = await sharesUnder(8, list("a", "b", "bad"), (id) =>
      id === "bad" ? { tookMs: 1, code: "UNAVAILABLE" } : steady(10),
    );
    assert.ok((got.get("bad") ?? 1) < 0.05, `${got.get("bad")} of all calls`);
  });

  it("goes back to an instance that is no longer busy", async () => {
    const got = await sharesUnder(
      8,
      list("a", "b"),
      (id, now) => steady(10, id === "b" && now < 5000 ? 1 : 0.2),
      60_000,
    );
    assert.ok((got.get("b") ?? 0) > 0.4, `${got.get("b")} of all calls`);
  });

  it("follows the warm-up curve under load", async () => {
    const ports = virtualPorts();
    const picker = adaptiveBalancer(options, ports).picker(sampleSite());
    const candidates = [sampleInstance("warm"), sampleInstance("new", { startedAt: ports.clock.wall() })];
    for (const one of candidates) picker.pick([one], call).done({ ...ok, trailers: saying({ load: 0.3, tookMs: 5 }) });
    await ports.advance(300_000);
    const behaviour = async () => {
      const counts = new Map<string, number>();
      const worker = async () => {
        for (let i = 0; i < 50; i++) {
          const { instance, done } = picker.pick(candidates, call);
          await ports.timers.sleep(10);
          done({ ...ok, trailers: saying({ load: 0.3, tookMs: 10 }) });
          counts.set(instance.id, (counts.get(instance.id) ?? 0) + 1);
        }
      };
      await ports.settle(Promise.all(Array.from({ length: 60 }, worker)));
      return (counts.get("new") ?? 0) / 3000;
    };
    const share = await behaviour();
    assert.ok(Math.abs(share - 1 / 3) < 0.05, `${share} at half of the warm-up`);
  });

  it("gives out the same object for the same instance", () => {
    const picker = adaptiveBalancer(options, virtualPorts()).picker(sampleSite());
    const candidates = list("a", "b", "c");
    assert.equal(new Set(Array.from({ length: 100 }, () => picker.pick(candidates, call))).size, 3);
  });

  it("is the plugin loadbalancer/adaptive", () => assert.equal(adaptive.id, "loadbalancer/adaptive"));
});

describe("the load of an instance", () => {
  const known = async () => {
    const ports = virtualPorts();
    const node = new Reported(sampleInstance("a"), ports.clock, 1000);
    return { ports, node, load: () => node.load(100, ports.clock.now()) };
  };

  it("is none before the first pick and when there was none for two timeouts", async () => {
    const { node, ports, load } = await known();
    assert.equal(load(), 0);
    node.picked(ports.clock.now()).done(ok);
    assert.ok(load() > 0);
    await ports.advance(2000);
    assert.ok(load() > 0);
    await ports.advance(1);
    assert.equal(load(), 0);
  });

  it("is what the formula says, of averages that forget by half", async () => {
    const { node, ports, load } = await known();
    const now = () => ports.clock.now();
    node.picked(now());
    assert.equal(load(), (1 * 1 * 2) / ((1 / 2) * 100 + 1), "unknown counts as saturated");
    node.done({ ...ok, trailers: saying({ load: 0.4, tookMs: 16 }) });
    assert.equal(load(), (0.4 * (Math.sqrt(8) + 1) * 1) / ((2 / 2) * 100 + 1));
    node.picked(now()).done({ ...ok, trailers: saying({ load: 0, tookMs: 4 }) });
    assert.equal(load(), (0.01 * (Math.sqrt(6) + 1) * 1) / ((3 / 3) * 100 + 1));
    await ports.advance(1000);
    assert.equal(load(), (0.01 * (Math.sqrt(3) + 1) * 1) / ((3 / 3) * 100 + 1), "half after a timeout without report");
    node.picked(now()).done({ tookMs: 1, code: "UNAVAILABLE" });
    assert.equal(load(), (0.01 * (Math.sqrt(3) + 1) * 1) / ((3 / 4) * 100 + 1));
  });

  it("forgets an old outage", async () => {
    const { node, ports, load } = await known();
    for (let i = 0; i < 500; i++) node.picked(ports.clock.now()).done({ tookMs: 1, code: "INTERNAL" });
    const sick = load();
    for (let i = 0; i < 4000; i++) node.picked(ports.clock.now()).done(ok);
    assert.ok(load() < sick / 20);
  });
});
