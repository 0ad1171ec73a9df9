import assert from "node:assert/strict";
import { it } from "node:test";
import type { Snapshot } from "@mortise/kernel";
import { registryConformance } from "@mortise/kernel/spi/registry.conformance";
import { sampleInstance, silentLog } from "@mortise/kernel/testing";
import { memoryRegistry } from "./memory.ts";

let made = 0;

registryConformance({
  name: "memory",
  make() {
    const realm = `test ${made++}`;
    return { subject: { open: async () => memoryRegistry({ realm }, silentLog) } };
  },
});

async function seen(realm: string): Promise<Snapshot> {
  const { api, stop } = memoryRegistry({ realm }, silentLog);
  let last: Snapshot = [];
  const { close } = await api.watch("mortise.sample.v1.Sample", (snapshot) => {
    last = snapshot;
  });
  await close();
  await stop?.();
  return last;
}

it("keeps registries without a realm apart", async () => {
  const { api } = memoryRegistry({ realm: "" }, silentLog);
  await api.register(sampleInstance("a"));
  assert.deepEqual(await seen(""), []);
});

it("forgets a realm when its last registry has stopped", async () => {
  const { api, stop } = memoryRegistry({ realm: "short" }, silentLog);
  await api.register(sampleInstance("a"));
  assert.equal((await seen("short")).length, 1);
  await stop?.();
  assert.deepEqual(await seen("short"), []);
});

it("moves an id that is registered again for another service", async () => {
  const { api } = memoryRegistry({ realm: "" }, silentLog);
  await api.register(sampleInstance("a"));
  await api.register(sampleInstance("a", { service: "b.v1.B" }));
  assert.deepEqual(await api.services(), ["b.v1.B"]);
});

it("carries a thousand services with ten instances each without slowing down with their number", async () => {
  const { api } = memoryRegistry({ realm: "" }, silentLog);
  for (let i = 0; i < 10_000; i++) await api.register(sampleInstance(`${i}`, { service: `s${i % 1000}.v1.S` }));
  let heard = 0;
  await api.watch("s7.v1.S", () => heard++);
  for (let i = 0; i < 10_000; i++)
    await api.register(sampleInstance(`${i}`, { service: `s${i % 1000}.v1.S`, weight: 1 }));
  assert.equal((await api.services()).length, 1000);
  assert.equal(heard, 11);
});
