import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { it } from "node:test";
import { type Lock, type Ports, systemPorts } from "@mortise/kernel";
import { lockConformance } from "@mortise/kernel/spi/lock.conformance";
import { eventually, natsServer, onServer, startPlugin } from "@mortise/kernel/testing";
import { natsKv } from "./nats-kv.ts";

let made = 0;

await onServer(
  "lock/nats-kv on a NATS server",
  () => natsServer({ ours: true }),
  (server) => {
    const open = (bucket: string, ports: Ports = systemPorts, servers = server.url) =>
      startPlugin<Lock>(natsKv, { options: { servers, bucket }, ports });

    lockConformance({
      name: "nats-kv",
      make() {
        const bucket = `test${made++}`;
        return { subject: { open: (ports) => open(bucket, ports) } };
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

    it("tells that a lock is lost when the server is away for the lease, and gives a greater token after", async () => {
      const { api, stop } = await open("away");
      const held = await api.acquire("a", { leaseMs: 1000 });
      assert.ok(held);
      await server.kill();
      await eventually(() => held.lost.aborted);
      await assert.rejects(api.acquire("a", { leaseMs: 500 }), { code: "UNAVAILABLE" });
      const waiting = api.acquire("a", { waitMs: 60_000, leaseMs: 1000 });
      await server.restart();
      const again = await waiting;
      assert.ok(again && again.token > held.token);
      await stop?.();
    });

    it("keeps a lock over a restart that is shorter than the lease", async () => {
      const [one, two] = [await open("short"), await open("short")];
      const held = await one.api.acquire("a", { leaseMs: 20_000 });
      await server.kill();
      await server.restart();
      await eventually(async () => (await two.api.acquire("a").catch(() => "away")) === undefined);
      assert.equal(held?.lost.aborted, false);
      await held?.release();
      assert.ok(await two.api.acquire("a", { waitMs: 30_000 }));
      await Promise.all([one.stop?.(), two.stop?.()]);
    });

    it("starts while the server is down, and says that it cannot lock", async () => {
      const { api, stop } = await open("down", systemPorts, "nats://127.0.0.1:1");
      await assert.rejects(api.acquire("a", { waitMs: 200 }), { code: "UNAVAILABLE" });
      await stop?.();
    });
  },
);
