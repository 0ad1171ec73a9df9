import assert from "node:assert/strict";
import { it } from "node:test";
import { type Registry, type Snapshot, systemPorts } from "@mortise/kernel";
import { writeInstance } from "@mortise/kernel/spi/instance-json";
import { leasedRegistry } from "@mortise/kernel/spi/leased-registry";
import { registryConformance } from "@mortise/kernel/spi/registry.conformance";
import { eventually, onServer, sampleInstance, silentLog, startPlugin, zookeeperServer } from "@mortise/kernel/testing";
import type { ZooKeeperClient, ZooKeeperDriver } from "@mortise/kernel/zookeeper/driver";
import { newestTexts } from "./followed.ts";
import { loadedDriver, zookeeper } from "./zookeeper.ts";
import { zooKeeperServer } from "./zookeeper-server.ts";

const service = "mortise.sample.v1.Sample";
let made = 0;

it("takes the newest node of an instance, whatever the order", () => {
  const old = { id: "a", text: "old", made: 1n };
  const anew = { id: "a", text: "new", made: 2n };
  assert.deepEqual(newestTexts([old, anew]), new Map([["a", "new"]]));
  assert.deepEqual(newestTexts([anew, old]), new Map([["a", "new"]]));
});

await onServer(
  "registry/zookeeper on a ZooKeeper server",
  () => zookeeperServer({ ours: true }),
  (server) => {
    const open = (root: string, options: object = {}) =>
      startPlugin<Registry>(zookeeper, { options: { servers: server.url, root, leaseMs: 1500, ...options } });
    const fresh = () => `/test${made++}/registry`;

    registryConformance({
      name: "zookeeper",
      make() {
        const root = fresh();
        return { subject: { open: () => open(root, { leaseMs: 10_000 }) } };
      },
    });

    async function watching({ watch }: Registry): Promise<() => string[]> {
      let last: Snapshot = [];
      await watch(service, (snapshot) => {
        last = snapshot;
      });
      return () => last.map(({ id }) => id).sort();
    }

    const sees = (ids: () => string[], ...expected: string[]) =>
      eventually(() => assert.deepEqual(ids(), expected) ?? true, 60_000);

    async function client(sessionTimeout = 1000): Promise<ZooKeeperClient> {
      const address = server.url.replace("zookeeper://", "");
      const made = (await loadedDriver()).createClient(address, { sessionTimeout, spinDelay: 100 });
      const connected = new Promise<void>((resolve) => made.on("connected", resolve));
      made.connect();
      await connected;
      return made;
    }

    /** Cuts a client off without a word, as a killed process would not even do. */
    function cut(victim: ZooKeeperClient): void {
      const { socket } = (victim as unknown as { connectionManager: { socket: import("node:net").Socket } })
        .connectionManager;
      socket.removeAllListeners("close");
      socket.destroy();
    }

    async function put(by: ZooKeeperClient, root: string, id: string): Promise<void> {
      const { ACL, CreateMode } = await loadedDriver();
      const data = Buffer.from(writeInstance(sampleInstance(id)));
      const path = `${root}/${service}/${id};0`;
      const transaction = by.transaction().create(path, data, ACL.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
      await new Promise<void>((resolve, reject) => transaction.commit((error) => (error ? reject(error) : resolve())));
    }

    it("drops an owner that died after its session", async () => {
      const root = fresh();
      const one = await open(root);
      const ids = await watching(one.api);
      const dead = await client();
      await put(dead, root, "dead");
      await sees(ids, "dead");
      cut(dead);
      await sees(ids);
      assert.deepEqual(await one.api.services(), []);
      await one.stop?.();
    });

    it("replaces what a session that has not expired yet has left", async () => {
      const root = fresh();
      const one = await open(root);
      const ids = await watching(one.api);
      const dead = await client(30_000);
      await put(dead, root, "a");
      await sees(ids, "a");
      cut(dead);
      const a = await one.api.register(sampleInstance("a"));
      await a.withdraw();
      await sees(ids);
      await one.stop?.();
    });

    it("keeps what it knows while the server is away, and hears what happened after", async () => {
      const root = fresh();
      const [one, two] = [await open(root), await open(root)];
      const ids = await watching(one.api);
      const gone = await two.api.register(sampleInstance("gone"));
      await two.api.register(sampleInstance("a"));
      await sees(ids, "a", "gone");
      await server.kill();
      await two.api.register(sampleInstance("b"));
      await gone.withdraw();
      assert.deepEqual(ids(), ["a", "gone"]);
      await server.restart();
      await sees(ids, "a", "b");
      await two.stop?.();
      await sees(ids);
      await one.stop?.();
    });

    it("watches a service that it first asked for while the server was away", async () => {
      const root = fresh();
      const [one, two] = [await open(root), await open(root)];
      await two.api.register(sampleInstance("a"));
      await server.kill();
      const ids = await watching(one.api);
      assert.deepEqual(ids(), []);
      await server.restart();
      await sees(ids, "a");
      await Promise.all([one.stop?.(), two.stop?.()]);
    });

    it("makes itself known again when its session has expired", async () => {
      const options = { root: fresh(), servers: [server.url.replace("zookeeper://", "")], leaseMs: 6000 };
      const driver = await loadedDriver();
      const clients: ZooKeeperClient[] = [];
      const kept: ZooKeeperDriver = {
        ...driver,
        createClient(...given) {
          const made = driver.createClient(...given);
          clients.push(made);
          return made;
        },
      };
      const two = leasedRegistry(
        await zooKeeperServer(kept, options, systemPorts, silentLog),
        options,
        systemPorts,
        silentLog,
      );
      const one = await open(options.root);
      const ids = await watching(one.api);
      const own = await watching(two.api);
      await two.api.register(sampleInstance("a"));
      await sees(ids, "a");
      const isThere = async () => (await one.api.services()).length > 0;
      do await endSessionOf(driver, clients[0]);
      while (clients.length === 1 && (await isThere())); // its owner may have been faster, and taken it back
      await eventually(() => clients.length === 2, 60_000);
      const late = await open(options.root);
      await sees(await watching(late.api), "a");
      await sees(ids, "a");
      await one.api.register(sampleInstance("b"));
      await sees(own, "a", "b");
      assert.equal(clients.length, 2);
      await Promise.all([one.stop?.(), two.stop?.(), late.stop?.()]);
    });

    /** Takes the session over, and ends it: its owner then learns that it has expired, and its nodes are gone. */
    async function endSessionOf(driver: ZooKeeperDriver, victim: unknown): Promise<void> {
      const { getSessionId, getSessionPassword } = victim as Record<string, () => Buffer>;
      const taken = {
        sessionTimeout: 6000,
        spinDelay: 100,
        sessionId: getSessionId?.call(victim),
        sessionPassword: getSessionPassword?.call(victim),
      };
      const thief = driver.createClient(server.url.replace("zookeeper://", ""), taken);
      const over = new Promise<void>((resolve) => {
        thief.on("connected", () => thief.close());
        for (const event of ["disconnected", "expired"] as const) thief.on(event, resolve);
      });
      thief.connect();
      await over;
      thief.close();
    }

    it("keeps the instances of another user out of reach", async () => {
      const root = fresh();
      const [one, stranger] = [await open(root, { user: "u", password: "p" }), await open(root)];
      const ids = await watching(one.api);
      await one.api.register(sampleInstance("a"));
      await stranger.api.register(sampleInstance("b"));
      await sees(ids, "a");
      assert.deepEqual((await watching(stranger.api))(), []);
      await Promise.all([one.stop?.(), stranger.stop?.()]);
    });

    it("starts while the server is down", async () => {
      const down = await open("/x", { servers: "127.0.0.1:1" });
      let heard = 0;
      await down.api.watch(service, () => heard++);
      await down.api.register(sampleInstance("a"));
      assert.equal(heard, 1);
      await down.stop?.();
    });
  },
);
