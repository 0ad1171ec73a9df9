import assert from "node:assert/strict";
import { it } from "node:test";
import type { Directory } from "@mortise/kernel";
import { directoryConformance } from "@mortise/kernel/spi/directory.conformance";
import { sampleInstance, startPlugin, tableRegistry } from "@mortise/kernel/testing";
import { directoryRegistry } from "./registry.ts";

directoryConformance({
  name: "registry",
  async make() {
    const registry = tableRegistry();
    const running = await startPlugin<Directory>(directoryRegistry, {
      deps: { registry: { current: registry } },
    });
    const add = async (instance: Parameters<typeof registry.register>[0]) => {
      const registration = await registry.register(instance);
      return () => registration.withdraw();
    };
    return { subject: { directory: running.api, add }, end: () => running.stop?.() };
  },
});

it("follows the registry of the next generation once that serves", async () => {
  const [before, after] = [tableRegistry(), tableRegistry()];
  const running = await startPlugin<Directory>(directoryRegistry, { deps: { registry: { current: before } } });
  const view = running.api.view("a.v1.A");
  const following = await running.follow?.({ registry: { current: after } });
  await after.register(sampleInstance("new", { service: "a.v1.A" }));
  assert.deepEqual(view.instances, []);
  await following?.flipped?.(Promise.resolve());
  assert.deepEqual(
    view.instances.map(({ id }) => id),
    ["new"],
  );
  await running.stop?.();
  assert.equal(after.table.watches, 0);
});
