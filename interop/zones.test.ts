import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callContext, registry } from "@mortise/kernel";
import {
  type AppOptions,
  Echo,
  echoEvents,
  echoService,
  given,
  surroundings,
  tableRegistry,
  testApp,
} from "@mortise/kernel/testing";
import { zoneAware } from "@mortise/plugins/cluster/zone-aware/zone-aware";
import { multi } from "@mortise/plugins/registry/multi/multi";

/** A zone with a registry and a server of its own, and a caller that knows both zones by registry/multi. */
async function twoZones(registries: Record<string, object>, policies: AppOptions["policies"] = {}) {
  const hub = surroundings().hub;
  const zones = ["east", "west"].map((zone) => ({ zone, table: tableRegistry(), events: echoEvents() }));
  const servers = await Promise.all(
    zones.map(({ table, events }) =>
      testApp({ around: { ...surroundings(), hub, registry: table }, plugins: [echoService(events)] }),
    ),
  );
  const caller = await testApp({
    around: { ...surroundings(), hub },
    plugins: [multi, zoneAware, ...zones.map(({ zone, table }) => given(registry, zone, table))],
    use: { registry: ["multi", "east", "west"], cluster: "zone-aware", server: [] },
    options: { "registry/multi": { registries }, "cluster/zone-aware": { zone: "east" } },
    policies,
  });
  const begun = () => zones.map(({ events }) => events.begun);
  const call = async (times: number, baggage = {}) => {
    const before = begun();
    const echo = caller.clients.client(Echo);
    for (let i = 0; i < times; i++) await echo.bytes({ size: 1 }, callContext({ baggage }));
    return begun().map((count, i) => count - (before[i] ?? 0));
  };
  return {
    servers,
    call,
    [Symbol.asyncDispose]: async () => void (await Promise.all([caller, ...servers].map((a) => a.stop()))),
  };
}

const byRegistry = { east: { zone: "east" }, west: { zone: "west" } };

describe("two zones with a registry each", () => {
  it("keep calls near, and take over from each other without a failed call", async () => {
    await using zones = await twoZones(byRegistry);
    assert.deepEqual(await zones.call(10), [10, 0]);
    assert.deepEqual(await zones.call(10, { zone: "west" }), [0, 10]);
    await zones.servers[0]?.stop();
    assert.deepEqual(await zones.call(10), [0, 10]);
  });

  it("go by the registry that is preferred, whatever the zone", async () => {
    await using zones = await twoZones({ ...byRegistry, west: { preferred: true } });
    assert.deepEqual(await zones.call(10), [0, 10]);
  });

  it("share the calls of everybody else by weight", async () => {
    await using zones = await twoZones({ east: { weight: 0 }, west: { weight: 10 } });
    assert.deepEqual(await zones.call(10), [0, 10]);
  });

  it("refuse calls that must not leave an empty zone", async () => {
    await using zones = await twoZones(byRegistry, { "*": { zoneForce: true } });
    assert.deepEqual(await zones.call(5), [5, 0]);
    await assert.rejects(zones.call(1, { zone: "north" }), { code: "UNAVAILABLE", reason: "NO_INSTANCE_IN_ZONE" });
  });
});
