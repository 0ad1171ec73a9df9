import assert from "node:assert/strict";
import { it } from "node:test";
import type { Registry, Running, Snapshot } from "@mortise/kernel";
import { writeInstance } from "@mortise/kernel/spi/instance-json";
import { registryConformance } from "@mortise/kernel/spi/registry.conformance";
import { eventually, natsServer, onServer, sampleInstance, startPlugin } from "@mortise/kernel/testing";
import { connect } from "nats";
import { natsKv } from "./nats-kv.ts";

const service = "mortise.sample.v1.Sample";
let made = 0;

await onServer(
  "registry/nats-kv on a NATS server",
  () => natsServer({ ours: true }),
  (server) => {
    const open = (bucket: string, leaseMs = 3000) =>
      startPlugin<Registry>(natsKv, { options: { servers: server.url, bucket, leaseMs } });
    const fresh = () => `test${made++}`;

    registryConformance({
      name: "nats-kv",
      make() {
        const bucket = fresh();
        return { subject: { open: () => open(bucket, 10_000) } };
      },
    });

    async function watching({ api }: Running<Registry>): Promise<() => string[]> {
      let last: Snapshot = [];
      await api.watch(service, (snapshot) => {
        last = snapshot;
      });
      return () => last.map(({ id }) => id).sort();
    }

    const sees = (ids: () => string[], ...expected: string[]) =>
      eventually(() => assert.deepEqual(ids(), expected) ?? true, 60_000);

    it("drops an owner that died after its lease", async () => {
      const bucket = fresh();
      const one = await open(bucket, 1000);
      const ids = await watching(one);
      const dead = await connect({ servers: server.url });
      const kv = await dead.jetstream().views.kv(bucket);
      await kv.put(`${service}.${Buffer.from("dead").toString("base64url")}`, writeInstance(sampleInstance("dead")));
      await dead.close();
      await sees(ids, "dead");
      await sees(ids);
      await one.stop?.();
    });

    it("keeps what it knows while the server is away, and makes itself known again", async () => {
      const bucket = fresh();
      const [one, two] = [await open(bucket, 1500), await open(bucket, 1500)];
      const ids = await watching(one);
      await two.api.register(sampleInstance("a"));
      await sees(ids, "a");
      await server.kill();
      await two.api.register(sampleInstance("b"));
      assert.deepEqual(ids(), ["a"]);
      await server.restart();
      await sees(ids, "a", "b");
      await Promise.all([one.stop?.(), two.stop?.()]);
    });

    it("starts while the server is down", async () => {
      const down = await startPlugin<Registry>(natsKv, { options: { servers: "nats://127.0.0.1:1" } });
      let heard = 0;
      await down.api.watch(service, () => heard++);
      await down.api.register(sampleInstance("a"));
      assert.equal(heard, 1);
      await down.stop?.();
    });
  },
);
