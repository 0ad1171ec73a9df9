import assert from "node:assert/strict";
import { it } from "node:test";
import { type Lock, type Ports, systemPorts } from "@mortise/kernel";
import { lockConformance } from "@mortise/kernel/spi/lock.conformance";
import { startPlugin, virtualPorts } from "@mortise/kernel/testing";
import { memory } from "./memory.ts";

const open = (realm: string, ports: Ports = systemPorts) => startPlugin<Lock>(memory, { options: { realm }, ports });
let made = 0;

lockConformance({
  name: "memory",
  make() {
    const realm = `test${made++}`;
    return { subject: { open: (ports) => open(realm, ports) } };
  },
});

it("keeps realms apart, and every plugin without one", async () => {
  const all = await Promise.all([open("x"), open("y"), open(""), open("")]);
  for (const { api } of all) assert.ok(await api.acquire("a"));
  for (const { stop } of all) await stop?.();
});

it("tells an owner that could not renew in time that its lock is lost, at the end of the lease", async () => {
  const ports = virtualPorts();
  const { api } = await open("", { ...ports, timers: { ...ports.timers, every: () => ({ cancel: () => undefined }) } });
  const held = await api.acquire("a", { leaseMs: 1000 });
  await ports.advance(999);
  assert.equal(held?.lost.aborted, false);
  await ports.advance(1);
  assert.equal(held?.lost.aborted, true);
  assert.ok(await api.acquire("a"));
});
