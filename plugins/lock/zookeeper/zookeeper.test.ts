import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { it } from "node:test";
import { type Lock, type Ports, systemPorts } from "@mortise/kernel";
import { lockConformance } from "@mortise/kernel/spi/lock.conformance";
import { eventually, onServer, startPlugin, zookeeperServer } from "@mortise/kernel/testing";
import { zooKeeperDriver } from "@mortise/kernel/zookeeper/driver";
import { zookeeper } from "./zookeeper.ts";

let made = 0;

await onServer(
  "lock/zookeeper on a ZooKeeper server",
  () => zookeeperServer({ ours: true }),
  (server) => {
    const open = (space: string, ports: Ports = systemPorts, servers = server.url, sessionMs = 6000) =>
      startPlugin<Lock>(zookeeper, { options: { servers, root: `/${space}/lock`, sessionMs }, ports });

    lockConformance({
      name: "zookeeper",
      make() {
        const space = `test${made++}`;
        return {
          subject: {
            async open(ports) {
              const opened = await open(space, ports);
              // A start does not wait for a server that is slow; these laws are about one that is there.
              const probe = await eventually(() => opened.api.acquire(`probe ${randomUUID()}`).catch(() => undefined));
              await probe.release();
              return opened;
            },
          },
        };
      },
    });

    it("leaves no nodes behind", async () => {
      const { api, stop } = await open("clean");
      const [held, other] = [await api.acquire("a"), await api.acquire("b")];
      assert.equal(await api.acquire("a"), undefined);
      await held?.release();
      await other?.release();
      assert.deepEqual(await children("/clean/lock"), []);
      await stop?.();
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
      const patient = () => open("short", systemPorts, server.url, 30_000); // a JVM takes its time to start
      const [one, two] = [await patient(), await patient()];
      const held = await one.api.acquire("a", { leaseMs: 20_000 });
      await server.kill();
      await server.restart();
      await eventually(async () => (await two.api.acquire("a").catch(() => "away")) === undefined);
      assert.equal(held?.lost.aborted, false);
      // A release that does not reach the server leaves the lock to end with its lease.
      await eventually(async () => (await one.api.acquire("b").catch(() => undefined)) !== undefined);
      await held?.release();
      assert.ok(await two.api.acquire("a", { waitMs: 30_000 }));
      await Promise.all([one.stop?.(), two.stop?.()]);
    });

    it("gives no lease that is longer than the session, so that nobody believes in a lock that others may take", async () => {
      const { api, stop } = await open("cut", systemPorts, server.url, 1000);
      const held = await api.acquire("a", { leaseMs: 60_000 });
      await server.kill();
      await eventually(() => held?.lost.aborted, 20_000);
      await server.restart();
      await stop?.();
    });

    async function children(path: string): Promise<readonly string[]> {
      // @ts-expect-error: the package has no types
      const driver = await zooKeeperDriver("lock/zookeeper", () => import("node-zookeeper-client"));
      const client = driver.createClient(server.url.replace("zookeeper://", ""), {
        sessionTimeout: 5000,
        spinDelay: 100,
      });
      await new Promise<void>((resolve) => {
        client.on("connected", resolve);
        client.connect();
      });
      try {
        return await new Promise((resolve, reject) =>
          client.getChildren(path, (error, names) => (error ? reject(error) : resolve(names))),
        );
      } finally {
        client.close();
      }
    }

    it("starts while the server is down, and says that it cannot lock", async () => {
      const { api, stop } = await open("down", systemPorts, "127.0.0.1:1");
      await assert.rejects(api.acquire("a", { waitMs: 200 }), { code: "UNAVAILABLE" });
      await stop?.();
    });
  },
);
