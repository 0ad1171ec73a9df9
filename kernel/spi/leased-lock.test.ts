import assert from "node:assert/strict";
import { it } from "node:test";
import { virtualPorts } from "../testing/virtual-ports.ts";
import { leasedLock } from "./leased-lock.ts";

it("gives a server up that does not answer within the lease", async () => {
  const ports = virtualPorts();
  const never = new Promise<never>(() => undefined);
  const { api } = leasedLock({ take: () => never, renew: () => never, release: () => never, close() {} }, ports);
  const asked = assert.rejects(api.acquire("a", { leaseMs: 1000 }), { code: "UNAVAILABLE" });
  await ports.advance(1000);
  await asked;
});

it("believes in a lock whose renewal is not answered for no longer than its lease", async () => {
  const ports = virtualPorts();
  const never = new Promise<never>(() => undefined);
  const server = { take: async () => 1n, renew: () => never, release: async () => undefined, close() {} };
  const held = await leasedLock(server, ports).api.acquire("a", { leaseMs: 1000 });
  await ports.advance(999);
  assert.equal(held?.lost.aborted, false);
  await ports.advance(1);
  assert.equal(held?.lost.aborted, true);
});
