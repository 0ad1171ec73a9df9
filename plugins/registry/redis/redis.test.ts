import assert from "node:assert/strict";
import { it } from "node:test";
import type { Registry, Running, Snapshot } from "@mortise/kernel";
import { type RegistrySubject, registryConformance } from "@mortise/kernel/spi/registry.conformance";
import { eventually, onServer, redisServer, sampleInstance, startPlugin } from "@mortise/kernel/testing";
import { redis } from "./redis.ts";

const service = "mortise.sample.v1.Sample";
let made = 0;

await onServer(
  "registry/redis on a Redis server",
  () => redisServer({ ours: true }),
  (server) => {
    const open = (prefix: string, leaseMs = 3000) =>
      startPlugin<Registry>(redis, { options: { url: server.url, prefix, leaseMs } });
    const fresh = () => `test${made++}`;

    registryConformance({
      name: "redis",
      make() {
        const prefix = fresh();
        return { subject: { open: () => open(prefix, 10_000) } satisfies RegistrySubject };
      },
    });

    /** Two processes, the first of which watches. */
    async function pair(
      leaseMs = 1000,
    ): Promise<{ one: Running<Registry>; two: Running<Registry>; ids: () => string[] }> {
      const prefix = fresh();
      const one = await open(prefix, leaseMs);
      const two = await open(prefix, leaseMs);
      let last: Snapshot = [];
      await one.api.watch(service, (snapshot) => {
        last = snapshot;
      });
      return { one, two, ids: () => last.map(({ id }) => id).sort() };
    }

    const sees = (ids: () => string[], ...expected: string[]) =>
      eventually(() => assert.deepEqual(ids(), expected) ?? true, 60_000);

    it("drops an owner that died after its lease", async () => {
      const { one, two, ids } = await pair();
      const prefix = `test${made - 1}`;
      const { createClient } = await import("redis");
      const dead = createClient({ url: server.url });
      await dead.connect();
      const { putScript } = await import("./scripts.ts");
      const { writeInstance } = await import("@mortise/kernel/spi/instance-json");
      const keys = [`${prefix}:leases:${service}`, `${prefix}:values:${service}`, `${prefix}:services`];
      const text = writeInstance(sampleInstance("dead"));
      await dead.eval(putScript, { keys, arguments: ["dead", text, service, "1000", `${prefix}:changes:${service}`] });
      await sees(ids, "dead");
      await sees(ids);
      assert.deepEqual(await one.api.services(), []);
      dead.destroy();
      await Promise.all([one.stop?.(), two.stop?.()]);
    });

    it("keeps what it knows while the server is away, and makes itself known again", async () => {
      const { one, two, ids } = await pair();
      await two.api.register(sampleInstance("a"));
      await sees(ids, "a");
      await server.kill();
      await two.api.register(sampleInstance("b"));
      await eventually(async () => (await one.api.services()).includes(service));
      assert.deepEqual(ids(), ["a"]);
      await server.restart();
      await sees(ids, "a", "b");
      const { ids: later, one: other, two: none } = await pair();
      assert.deepEqual(later(), []);
      await Promise.all([one.stop?.(), two.stop?.(), other.stop?.(), none.stop?.()]);
    });

    it("starts while the server is down", async () => {
      const down = await startPlugin<Registry>(redis, { options: { url: "redis://127.0.0.1:1", prefix: "x" } });
      let heard = 0;
      await down.api.watch(service, () => heard++);
      await down.api.register(sampleInstance("a"));
      assert.equal(heard, 1);
      await down.stop?.();
    });
  },
);
