import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { it } from "node:test";
import { type Lock, type Ports, systemPorts } from "@mortise/kernel";
import { lockConformance } from "@mortise/kernel/spi/lock.conformance";
import { eventually, onServer, redisServer, startPlugin } from "@mortise/kernel/testing";
import { redis } from "./redis.ts";

let made = 0;

await onServer(
  "lock/redis on a Redis server",
  () => redisServer({ ours: true }),
  (server) => {
    const open = (prefix: string, ports: Ports = systemPorts, url = server.url) =>
      startPlugin<Lock>(redis, { options: { url, prefix }, ports });

    lockConformance({
      name: "redis",
      make() {
        const prefix = `test${made++}`;
        return { subject: { open: (ports) => open(prefix, ports) } };
      },
    });

    it("passes the lock of an owner that was killed on after its lease", async (t) => {
      const fixture = join(import.meta.dirname, "owner.fixture.ts");
      const owner = spawn(process.execPath, ["--conditions=source", fixture, server.url, "killed", "2500"], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      t.after(() => owner.kill("SIGKILL"));
      const [token] = await once(owner.stdout, "data");
      const { api, stop } = await open("killed");
      assert.equal(await api.acquire("a", { waitMs: 3500 }), undefined);
      owner.kill("SIGKILL");
      await once(owner, "exit");
      const held = await api.acquire("a", { waitMs: 60_000 });
      assert.ok(held && held.token > BigInt(`${token}`.trim()));
      await stop?.();
    });

    it("tells that a lock is lost when the server is away, and gives a greater token after, though it lost its data", async () => {
      const { api, stop } = await open("away");
      const held = await api.acquire("a", { leaseMs: 1000 });
      assert.ok(held);
      await server.kill();
      await eventually(() => held.lost.aborted);
      await assert.rejects(api.acquire("a"), { code: "UNAVAILABLE" });
      const waiting = api.acquire("a", { waitMs: 60_000, leaseMs: 1000 });
      await server.restart();
      const again = await waiting;
      assert.ok(again && again.token > held.token);
      await stop?.();
    });

    it("tells at the next renewal that a lock is lost when the server has lost its data", async () => {
      const { api, stop } = await open("lost");
      const held = await api.acquire("a", { leaseMs: 3000 });
      await server.kill();
      await server.restart();
      await eventually(() => held?.lost.aborted);
      await stop?.();
    });

    it("starts while the server is down, and says that it cannot lock", async () => {
      const { api, stop } = await open("down", systemPorts, "redis://127.0.0.1:1");
      await assert.rejects(api.acquire("a", { waitMs: 200 }), { code: "UNAVAILABLE" });
      await stop?.();
    });
  },
);
