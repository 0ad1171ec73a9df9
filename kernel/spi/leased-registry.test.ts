import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keptLog } from "../testing/logs.ts";
import { sampleInstance } from "../testing/samples.ts";
import { virtualPorts } from "../testing/virtual-ports.ts";
import type { Instance } from "./instance.ts";
import { type LeasedEntry, type LeasedListener, type LeasedServer, leasedRegistry } from "./leased-registry.ts";
import type { Snapshot } from "./registry.ts";

/** A server that counts what is asked of it, and can be away. */
function countingServer(silentExpiry = false) {
  const entries = new Map<string, Map<string, LeasedEntry>>();
  const listeners = new Map<string, LeasedListener>();
  const asked: Record<string, number> = { put: 0, remove: 0, renew: 0, list: 0, listen: 0 };
  const state = { away: false };
  const ask = (what: string) => {
    asked[what] = (asked[what] ?? 0) + 1;
    if (state.away) throw new Error("away");
  };
  const server: LeasedServer = {
    silentExpiry,
    get connected() {
      return !state.away;
    },
    async put(entry) {
      ask("put");
      const of = entries.get(entry.service) ?? new Map<string, LeasedEntry>();
      entries.set(entry.service, of.set(entry.id, entry));
      listeners.get(entry.service)?.put(entry.id, entry.text);
    },
    async remove({ service, id }) {
      ask("remove");
      if (entries.get(service)?.delete(id)) listeners.get(service)?.removed(id);
    },
    async renew(own) {
      ask("renew");
      if (silentExpiry) for (const { service, id, text } of own) listeners.get(service)?.put(id, text);
    },
    async list(service) {
      ask("list");
      return [...(entries.get(service)?.values() ?? [])];
    },
    services: async () => [...entries.keys()],
    async listen(service, listener) {
      ask("listen");
      listeners.set(service, listener);
      return async () => void listeners.delete(service);
    },
    close: async () => undefined,
  };
  const back = () => {
    state.away = false;
    for (const listener of listeners.values()) listener.missed();
  };
  const known = () => [...entries.values()].flatMap((of) => [...of.keys()]);
  return { server, asked, state, back, known };
}

const leaseMs = 15_000;

function opened(silentExpiry = false) {
  const counting = countingServer(silentExpiry);
  const [ports, log] = [virtualPorts(), keptLog()];
  const { api, stop } = leasedRegistry(counting.server, { leaseMs }, ports, log);
  return { ...counting, ports, log, api, stop: async () => stop?.() };
}

describe("a withdrawal while the server is away", () => {
  it("is repeated until the server knows, though nothing else is registered", async () => {
    const { api, state, known, ports } = opened();
    const registration = await api.register(sampleInstance("a"));
    state.away = true;
    await registration.withdraw();
    await ports.advance(leaseMs);
    assert.deepEqual(known(), ["a"]);
    state.away = false;
    await ports.advance(leaseMs / 3);
    assert.deepEqual(known(), []);
  });

  it("is made up for as soon as the server is back", async () => {
    const { api, state, known, back, ports } = opened();
    await api.watch("mortise.sample.v1.Sample", () => undefined);
    const registration = await api.register(sampleInstance("a"));
    state.away = true;
    await registration.withdraw();
    back();
    await ports.advance(0);
    assert.deepEqual(known(), []);
  });

  it("is dropped when the instance is registered again meanwhile", async () => {
    const { api, state, known, ports, asked } = opened();
    const registration = await api.register(sampleInstance("a"));
    state.away = true;
    await registration.withdraw();
    state.away = false;
    await api.register(sampleInstance("a", { weight: 7 }));
    const removals = asked.remove;
    await ports.advance(leaseMs);
    assert.deepEqual([known(), asked.remove], [["a"], removals]);
  });

  it("is tried once more at the stop", async () => {
    const { api, state, known, stop, ports } = opened();
    const registration = await api.register(sampleInstance("a"));
    state.away = true;
    await registration.withdraw();
    state.away = false;
    await stop();
    assert.deepEqual(known(), []);
    assert.equal(ports.pending, 0);
  });
});

describe("with 10,000 instances of 1,000 services", () => {
  const services = Array.from({ length: 1000 }, (_, i) => `load.v1.S${i}`);
  const instanceOf = (service: string, i: number, changes: Partial<Instance> = {}) =>
    sampleInstance(`${service}-${i}`, { service, ...changes });

  async function loaded(silentExpiry = false) {
    const one = opened(silentExpiry);
    const heard = new Map<string, Snapshot[]>();
    for (const service of services) for (let i = 0; i < 10; i++) await one.api.register(instanceOf(service, i));
    for (const service of services) {
      const all: Snapshot[] = [];
      heard.set(service, all);
      await one.api.watch(service, (snapshot) => all.push(snapshot));
    }
    const forget = () => {
      for (const all of heard.values()) all.splice(0, all.length - 1);
      for (const what of Object.keys(one.asked)) one.asked[what] = 0;
    };
    forget();
    const snapshots = () => [...heard.values()].reduce((sum, all) => sum + all.length - 1, 0);
    return { ...one, heard, forget, snapshots };
  }

  it("a change is one request, one snapshot of one service and one new object", async () => {
    const { api, asked, heard, snapshots } = await loaded();
    await api.register(instanceOf("load.v1.S500", 3, { weight: 1 }));
    assert.deepEqual(asked, { put: 1, remove: 0, renew: 0, list: 0, listen: 0 });
    assert.equal(snapshots(), 1);
    const [before = [], after = []] = heard.get("load.v1.S500") ?? [];
    assert.equal(after.filter((instance) => !before.includes(instance)).length, 1);
    assert.equal(after.length, 10);
  });

  it("an instance that comes or goes is one request and one snapshot", async () => {
    const { api, asked, snapshots, forget } = await loaded();
    const registration = await api.register(instanceOf("load.v1.S7", 10));
    assert.deepEqual([asked.put, asked.list, snapshots()], [1, 0, 1]);
    forget();
    await registration.withdraw();
    assert.deepEqual([asked.remove, asked.put, asked.list, snapshots()], [1, 0, 0, 1]);
  });

  it("renewing what has not changed is one request and no snapshot, however leases end", async () => {
    for (const silentExpiry of [false, true]) {
      const { asked, ports, snapshots } = await loaded(silentExpiry);
      await ports.advance(leaseMs);
      assert.deepEqual([asked, snapshots()], [{ put: 0, remove: 0, renew: 3, list: 0, listen: 0 }, 0]);
    }
  });
});
