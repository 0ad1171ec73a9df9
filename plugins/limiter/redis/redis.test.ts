import assert from "node:assert/strict";
import { after, it } from "node:test";
import { type Limit, type Limiter, systemPorts } from "@mortise/kernel";
import { crowd, limiterConformance } from "@mortise/kernel/spi/limiter.conformance";
import {
  eventually,
  keptLog,
  onServer,
  redisServer,
  sampleSite,
  silentLog,
  startPlugin,
  virtualPorts,
} from "@mortise/kernel/testing";
import fc from "fast-check";
import { createClient, type RedisClientType } from "redis";
import { redis, redisBuckets } from "./redis.ts";
import { sharedLimiter } from "./redis-limiter.ts";

let made = 0;
const fresh = () => `test${made++}:`;
const limitOf = (limiter: Limiter, fields: Record<string, unknown>): Limit => {
  const limit = limiter.limit(sampleSite({ policy: { fields } }));
  assert.ok(limit);
  return limit;
};

await onServer(
  "limiter/redis on a Redis server",
  () => redisServer({ ours: true }),
  (server) => {
    const client = createClient({ url: server.url }) as unknown as RedisClientType;
    client.on("error", () => undefined);
    after(() => client.destroy());
    let connected: Promise<unknown> | undefined;

    /** A limiter whose server counts by a clock that tests move. */
    async function clocked(ports = virtualPorts(), prefix = fresh()) {
      connected ??= client.connect();
      await connected;
      const buckets = redisBuckets(client, { prefix, timeoutMs: 30_000 }, systemPorts.timers, () => ports.clock.now());
      return { ports, limiter: sharedLimiter(buckets, 1, ports, silentLog).limiter };
    }
    /** Long enough for a machine that is busy: who waits for it does not pass. */
    const timeoutMs = 10_000;
    const open = (options: object) =>
      startPlugin<Limiter>(redis, { options: { url: server.url, timeoutMs, ...options } });

    limiterConformance({
      name: "redis",
      make: () => {
        const prefix = fresh();
        return {
          subject: {
            make: async (ports) => (await clocked(ports as ReturnType<typeof virtualPorts>, prefix)).limiter,
            fields: { rate: 10 },
            keyed: true,
          },
        };
      },
    });

    it("never lets through more than burst and rate allow, and no less", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 50 }),
          fc.integer({ min: 1, max: 50 }),
          fc.array(fc.tuple(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 1, max: 30 })), { maxLength: 20 }),
          async (rate, burst, steps) => {
            const { ports, limiter } = await clocked();
            const limit = limitOf(limiter, { rate, burst });
            let tokens = burst;
            for (const [wait, calls] of steps) {
              await ports.advance(wait);
              tokens = Math.min(burst, tokens + (wait * rate) / 1000);
              const passed = (await crowd(limit, calls)).length;
              const expected = Math.min(calls, Math.floor(tokens + 1e-6));
              assert.ok(Math.abs(passed - expected) <= (Math.abs(tokens - Math.round(tokens)) < 1e-3 ? 1 : 0));
              tokens -= passed;
            }
          },
        ),
        { numRuns: 30 },
      );
    });

    it("says after how long a token is there", async () => {
      const { ports, limiter } = await clocked();
      const limit = limitOf(limiter, { rate: 4, burst: 1 });
      await crowd(limit, 1);
      assert.deepEqual(await limit.acquire(""), { retryAfterMs: 250 });
      await ports.advance(250);
      assert.equal((await crowd(limit, 1)).length, 1);
    });

    it("lets as many calls through for all processes together, by the server's clock", async () => {
      const prefix = fresh();
      const all = await Promise.all([1, 2, 3].map(() => open({ prefix })));
      const fields = { rate: 0.001, burst: 40 };
      const passed = await Promise.all(all.map(({ api }) => crowd(limitOf(api, fields), 50)));
      assert.equal(passed.flat().length, 40);
      assert.equal((await crowd(limitOf(all[0]?.api as Limiter, fields), 50, "x".repeat(9999))).length, 40);
      await Promise.all(all.map(async ({ stop }) => stop?.()));
    });

    it("forgets buckets that are full again", async () => {
      const prefix = fresh();
      const { api, stop } = await open({ prefix });
      await crowd(limitOf(api, { rate: 1, burst: 20 }), 1);
      connected ??= client.connect();
      await connected;
      const [key] = await client.keys(`${prefix}*`);
      const left = await client.pTTL(key ?? "");
      assert.ok(left > 20_000 && left <= 41_000, `${left}`); // it is full after 20 s
      await stop?.();
    });

    it("counts by itself with its share while Redis is away, and for all again when it is back", async () => {
      const log = keptLog();
      const { api, stop } = await startPlugin<Limiter>(redis, {
        options: { url: server.url, timeoutMs, prefix: fresh(), localShare: 0.5 },
        log,
      });
      const said = (pattern: RegExp) => () => log.lines.some(({ message }) => pattern.test(message));
      const limit = limitOf(api, { rate: 0.001, burst: 40 });
      assert.equal((await crowd(limit, 100)).length, 40);
      await server.kill();
      assert.equal((await crowd(limit, 100)).length, 20);
      assert.ok(said(/Redis is away/)());
      const began = performance.now();
      assert.equal((await crowd(limit, 100)).length, 0);
      assert.ok(performance.now() - began < timeoutMs / 2, "nobody waits for a server that is away");
      await server.restart();
      await eventually(said(/Redis is back/));
      assert.equal((await crowd(limit, 100)).length, 40); // the server forgot its data
      await stop?.();
    });

    it("starts while the server is down, and then counts by itself", async () => {
      const { api, stop } = await open({ url: "redis://127.0.0.1:1" });
      assert.equal((await crowd(limitOf(api, { rate: 0.001, burst: 3 }), 10)).length, 3);
      await stop?.();
    });
  },
);

it("is the plugin limiter/redis", () => assert.equal(redis.id, "limiter/redis"));
