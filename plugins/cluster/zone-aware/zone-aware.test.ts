import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callContext, type Instance, StatusError } from "@mortise/kernel";
import { clusterConformance } from "@mortise/kernel/spi/cluster.conformance";
import { retryingCluster } from "@mortise/kernel/spi/retrying";
import { sampleCall, sampleInstance, sampleSite, scriptedGroup, virtualPorts } from "@mortise/kernel/testing";
import fc from "fast-check";
import { zoneAware } from "./zone-aware.ts";
import { zoneNarrowing } from "./zone-narrowing.ts";

const options = { backoffMs: 10, maxBackoffMs: 1000, budget: { ratio: 0.2, perSecond: 10, burst: 100 } };

clusterConformance({
  name: "zone-aware",
  make: () => ({
    subject: (ports) => retryingCluster(options, ports, (site) => zoneNarrowing(site, "", ports.random)),
  }),
});

const at = (id: string, zone: string, tags: Record<string, string> = {}): Instance =>
  sampleInstance(id, { zone, tags });

const east = [at("e1", "east"), at("e2", "east")];
const west = [at("w1", "west"), at("w2", "west")];
const both = Object.freeze([...east, ...west]);

interface Given {
  readonly candidates?: readonly Instance[];
  readonly own?: string;
  readonly fields?: Record<string, unknown>;
  readonly baggage?: Record<string, string>;
  readonly tried?: readonly Instance[];
  readonly random?: () => number;
}

function narrowed({ candidates = both, own = "", fields = {}, baggage = {}, tried = [], random = () => 0 }: Given) {
  const narrow = zoneNarrowing(sampleSite({ policy: { fields } }), own, random);
  return narrow(candidates, tried, sampleCall(callContext({ baggage }))).map(({ id }) => id);
}

describe("cluster/zone-aware", () => {
  it("keeps a call in the zone of its request, or else of its process", () => {
    assert.deepEqual(narrowed({ own: "west" }), ["w1", "w2"]);
    assert.deepEqual(narrowed({ own: "west", baggage: { zone: "east" } }), ["e1", "e2"]);
  });

  it("goes to a preferred registry before anything else", () => {
    const preferred = at("p", "west", { registry: "main", "registry.preferred": "true" });
    const candidates = Object.freeze([...both, preferred]);
    assert.deepEqual(narrowed({ candidates, own: "east" }), ["p"]);
    assert.deepEqual(narrowed({ candidates, own: "east", tried: [preferred] }), ["e1", "e2"]);
  });

  it("leaves the zone when everybody there was tried, and comes back when everybody was", () => {
    assert.deepEqual(narrowed({ own: "east", tried: east.slice(0, 1) }), ["e2"]);
    assert.deepEqual(narrowed({ own: "east", tried: east }), ["w1", "w2"]);
    assert.deepEqual(narrowed({ own: "east", tried: [...east, ...west] }), ["e1", "e2"]);
  });

  it("never leaves a zone that is forced", () => {
    const fields = { zoneForce: true };
    assert.deepEqual(narrowed({ own: "east", fields, tried: east }), ["e1", "e2"]);
    assert.throws(() => narrowed({ own: "north", fields }), {
      code: "UNAVAILABLE",
      reason: "NO_INSTANCE_IN_ZONE",
      neverSent: true,
    });
    assert.equal(narrowed({ fields }).length, 2, "a process without a zone is at home everywhere");
  });

  it("shares calls that have nobody near among zones or registries by weight", () => {
    const ports = virtualPorts();
    const shares = (candidates: readonly Instance[], fields: Record<string, unknown>) => {
      let inEast = 0;
      for (let i = 0; i < 10_000; i++)
        if (narrowed({ candidates, fields, random: ports.random })[0]?.startsWith("e")) inEast++;
      return inEast / 10_000;
    };
    assert.ok(Math.abs(shares(both, {}) - 0.5) < 0.02);
    assert.ok(Math.abs(shares(both, { zoneWeights: { east: 20, west: 80 } }) - 0.2) < 0.02);
    assert.equal(shares(both, { zoneWeights: { east: 0 } }), 0);
    const marked = [at("e", "", { registry: "a", "registry.weight": "30" }), at("w", "", { registry: "b" })];
    assert.ok(Math.abs(shares(marked, {}) - 30 / 130) < 0.02);
  });

  it("never chooses what was tried while anybody was not, or anybody who is no candidate", () => {
    const zones = fc.constantFrom("", "east", "west", "north");
    const instances = fc.array(fc.record({ zone: zones, preferred: fc.boolean() }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(instances, zones, fc.nat(8), fc.double({ min: 0, max: 0.999, noNaN: true }), (all, own, n, point) => {
        const candidates = all.map(({ zone, preferred }, i) =>
          at(`${i}`, zone, preferred ? { "registry.preferred": "true" } : {}),
        );
        const tried = candidates.slice(0, Math.min(n, all.length));
        const chosen = narrowed({ candidates, own, tried, random: () => point });
        assert.ok(chosen.length > 0);
        assert.ok(chosen.every((id) => candidates.some((one) => one.id === id)));
        if (tried.length < candidates.length) assert.ok(chosen.every((id) => tried.every((one) => one.id !== id)));
      }),
    );
  });

  it("gives balancers the same array for the same candidates", () => {
    const narrow = zoneNarrowing(sampleSite(), "east", () => 0);
    const call = sampleCall(callContext());
    assert.equal(narrow(both, [], call), narrow(both, [], call));
    const near = Object.freeze([...east]);
    assert.equal(narrow(near, [], call), near);
    assert.equal(zoneNarrowing(sampleSite(), "", () => 0)(near, [], call), near);
  });

  it("fails over from one zone to the other", async () => {
    const ports = virtualPorts();
    const error = new StatusError("UNAVAILABLE", "gone");
    const script = (_: number, { zone }: Instance) => ({ tookMs: 1, ...(zone === "east" && { error }) });
    const cluster = retryingCluster(options, ports, (site) => zoneNarrowing(site, "east", ports.random));
    const group = scriptedGroup(both, script, ports);
    const invoke = cluster.invoker(sampleSite({ policy: { retries: 2 } }), group);
    await ports.settle(invoke(sampleCall(callContext({ timeoutMs: 10_000 }, ports))));
    assert.deepEqual(
      group.made.map(({ instance }) => instance.zone),
      ["east", "east", "west"],
    );
  });

  it("is the plugin cluster/zone-aware", () => assert.equal(zoneAware.id, "cluster/zone-aware"));
});
