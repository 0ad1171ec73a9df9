import assert from "node:assert/strict";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Cache } from "@mortise/kernel";
import { cacheConformance } from "@mortise/kernel/spi/cache.conformance";
import { eventually, onServer, redisServer, startPlugin } from "@mortise/kernel/testing";
import { redis } from "./redis.ts";

let made = 0;

await onServer(
  "cache/redis on a Redis server",
  () => redisServer({ ours: true }),
  (server) => {
    const open = (prefix = `test${made++}:`) => startPlugin<Cache>(redis, { options: { url: server.url, prefix } });

    cacheConformance({
      name: "redis",
      async make() {
        const { api, stop } = await open();
        return { subject: { cache: api, pass: (ms) => sleep(ms) }, end: () => stop?.() };
      },
    });

    it("shares what it keeps between processes, and lets one alone add", async () => {
      const [one, two] = [await open("shared:"), await open("shared:")];
      const value = Uint8Array.of(1, 255, 0);
      await one.api.set("k", value, 60_000);
      assert.deepEqual(Uint8Array.from((await two.api.get("k")) ?? []), value);
      const added = await Promise.all([one, two, one, two].map(({ api }) => api.add("n", value, 60_000)));
      assert.equal(added.filter(Boolean).length, 1);
      await Promise.all([one.stop?.(), two.stop?.()]);
    });

    it("rejects at once while the server is away, and serves again when it is back", async () => {
      const { api, stop } = await open();
      await server.kill();
      await eventually(() =>
        api.get("k").then(
          () => false,
          () => true,
        ),
      );
      await server.restart();
      await eventually(() =>
        api.get("k").then(
          () => true,
          () => false,
        ),
      );
      await stop?.();
    });
  },
);

it("is the plugin cache/redis", () => assert.equal(redis.id, "cache/redis"));
