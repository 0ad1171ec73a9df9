import assert from "node:assert/strict";
import { it } from "node:test";
import { type Coordinator, type Ports, systemPorts } from "@mortise/kernel";
import { coordinatorConformance, sampleTransaction } from "@mortise/kernel/spi/coordinator.conformance";
import { startPlugin, virtualPorts } from "@mortise/kernel/testing";
import { memory } from "./memory.ts";

const open = (options: { realm?: string; maxEnded?: number } = {}, ports: Ports = systemPorts) =>
  startPlugin<Coordinator>(memory, { options, ports });
let made = 0;

coordinatorConformance({
  name: "memory",
  make() {
    const realm = `test${made++}`;
    return { subject: { open: () => open({ realm }) } };
  },
});

it("keeps realms apart, every plugin without one, and what comes after the last member", async () => {
  const all = await Promise.all([open({ realm: "x" }), open({ realm: "y" }), open(), open()]);
  const sample = sampleTransaction();
  for (const { api } of all) assert.equal(await api.begin(sample, "me", 1), undefined);
  for (const { stop } of all) await stop?.();
  assert.equal(await (await open({ realm: "x" })).api.get(sample.gid), undefined);
});

it("gives a lease away at the very moment it ends", async () => {
  const ports = virtualPorts();
  const { api } = await open({}, ports);
  const claim = () => api.claim({ owner: "you", names: ["placeOrder"], limit: 1, leaseMs: 10 });
  await api.begin(sampleTransaction(), "me", 1000);
  await ports.advance(999);
  assert.deepEqual(await claim(), []);
  await ports.advance(1);
  assert.equal((await claim()).length, 1);
});

it("ends an abort nobody has begun after half a minute, so that nothing stays open", async () => {
  const ports = virtualPorts();
  const { api } = await open({}, ports);
  const { gid } = sampleTransaction();
  await api.inquire(gid);
  const claim = { owner: "me", names: ["placeOrder"], limit: 1, leaseMs: 10 };
  await ports.advance(29_999);
  await api.claim(claim);
  assert.equal((await api.get(gid))?.status, "aborting");
  await ports.advance(1);
  assert.deepEqual(await api.claim(claim), []);
  assert.equal((await api.get(gid))?.status, "aborted");
});

it("keeps no more ended transactions than told", async () => {
  const { api } = await open({ maxEnded: 2 });
  const gids = [sampleTransaction(), sampleTransaction(), sampleTransaction()];
  for (const sample of gids) {
    await api.begin(sample, "me", 1);
    await api.decide(sample.gid, "aborting", {});
    await api.finish(sample.gid);
  }
  const kept = await api.find({});
  assert.deepEqual(new Set(kept.map(({ gid }) => gid)), new Set(gids.slice(1).map(({ gid }) => gid)));
});

it("says that it forgets", async () => {
  assert.deepEqual(await (await open()).api.health(), { durable: false, replicated: false });
});
