import assert from "node:assert/strict";
import { it } from "node:test";
import { type Ports, type Sessions, systemPorts } from "@mortise/kernel";
import { sessionConformance } from "@mortise/kernel/spi/session.conformance";
import { eventually, onServer, redisServer, startPlugin } from "@mortise/kernel/testing";
import { createClient } from "redis";
import { z } from "zod";
import { redis } from "./redis.ts";

const kind = { name: "a", schema: z.object({ n: z.number() }), idleMs: 30_000, maxMs: 60_000 };
let made = 0;

await onServer(
  "session/redis on a Redis server",
  () => redisServer({ ours: true }),
  (server) => {
    const open = (prefix: string, ports: Ports = systemPorts) =>
      startPlugin<Sessions>(redis, { options: { url: server.url, prefix }, ports });

    sessionConformance({
      name: "redis",
      make() {
        const prefix = `test${made++}:`;
        return { subject: { open: (ports) => open(prefix, ports) } };
      },
    });

    it("lets Redis forget what is over, and keeps no id there", async () => {
      const { api, stop } = await open("forget:");
      const { id } = await api.create(kind, { n: 1 });
      const client = await createClient({ url: server.url }).connect();
      const [key = "", ...more] = await client.keys("forget:*");
      assert.deepEqual(more, []);
      assert.ok(!key.includes(id));
      const left = await client.pTTL(key);
      assert.ok(left > 75_000 && left <= 90_000, `${left}`);
      await api.regenerate(kind, id);
      assert.equal((await client.keys("forget:*")).length, 1);
      client.destroy();
      await stop?.();
    });

    it("says that the server is away, and serves again when it is back", async () => {
      const { api, stop } = await open("away:");
      await server.kill();
      await assert.rejects(api.create(kind, { n: 1 }), { code: "UNAVAILABLE" });
      await server.restart();
      const { id } = await eventually(() => api.create(kind, { n: 1 }).catch(() => undefined));
      assert.ok(await api.get(kind, id));
      await stop?.();
    });
  },
);

it("is the plugin session/redis", () => assert.equal(redis.id, "session/redis"));
