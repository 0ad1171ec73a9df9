import assert from "node:assert/strict";
import { it } from "node:test";
import { type Registry, type Snapshot, systemPorts } from "@mortise/kernel";
import { writeInstance } from "@mortise/kernel/spi/instance-json";
import { registryConformance } from "@mortise/kernel/spi/registry.conformance";
import { etcdServer, eventually, onServer, sampleInstance, silentLog, startPlugin } from "@mortise/kernel/testing";
import { etcd } from "./etcd.ts";
import { type EtcdClient, type EtcdReply, etcdClient } from "./etcd-client.ts";
import { base64, beginningWith } from "./etcd-values.ts";
import { etcdWatch } from "./etcd-watch.ts";

interface EtcdHeader {
  readonly header: { readonly revision: string };
}

const service = "mortise.sample.v1.Sample";
let made = 0;

await onServer(
  "registry/etcd on an etcd server",
  () => etcdServer({ ours: true }),
  (server) => {
    const open = (prefix: string, options: object = {}) =>
      startPlugin<Registry>(etcd, { options: { urls: server.url, prefix, leaseMs: 1500, ...options } });
    const fresh = () => `test${made++}`;

    registryConformance({
      name: "etcd",
      make() {
        const prefix = fresh();
        return { subject: { open: () => open(prefix, { leaseMs: 10_000 }) } };
      },
    });

    async function watching({ watch }: Registry, of = service): Promise<() => string[]> {
      let last: Snapshot = [];
      await watch(of, (snapshot) => {
        last = snapshot;
      });
      return () => last.map(({ id }) => id).sort();
    }

    const sees = (ids: () => string[], ...expected: string[]) =>
      eventually(() => assert.deepEqual(ids(), expected) ?? true, 60_000);

    async function ask(path: string, body: object, headers: Record<string, string> = {}) {
      const response = await fetch(`${server.url}/v3/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
      assert.ok(response.ok, `${path}: ${response.status}`);
      return (await response.json()) as Record<string, string>;
    }

    it("drops an owner that died after its lease", async () => {
      const prefix = fresh();
      const one = await open(prefix);
      const ids = await watching(one.api);
      const { ID: lease } = await ask("lease/grant", { TTL: 1 });
      const value = base64(writeInstance(sampleInstance("dead")));
      await ask("kv/put", { key: base64(`${prefix}/${service}/dead`), value, lease });
      await sees(ids, "dead");
      await sees(ids);
      assert.deepEqual(await one.api.services(), []);
      await one.stop?.();
    });

    it("keeps what it knows while the server is away, and hears what happened after", async () => {
      const prefix = fresh();
      const [one, two] = [await open(prefix), await open(prefix)];
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
      const prefix = fresh();
      const [one, two] = [await open(prefix), await open(prefix)];
      await two.api.register(sampleInstance("a"));
      await server.kill();
      const ids = await watching(one.api);
      assert.deepEqual(ids(), []);
      await server.restart();
      await sees(ids, "a");
      await Promise.all([one.stop?.(), two.stop?.()]);
    });

    it("makes itself known again when its lease has ended", async () => {
      const prefix = fresh();
      const [one, two] = [await open(prefix), await open(prefix)];
      const ids = await watching(one.api);
      await two.api.register(sampleInstance("a"));
      await sees(ids, "a");
      const { kvs } = (await ask("kv/range", { key: base64(`${prefix}/${service}/a`) })) as unknown as {
        kvs: { lease: string }[];
      };
      await ask("lease/revoke", { ID: kvs[0]?.lease });
      await sees(ids);
      await sees(ids, "a");
      await Promise.all([one.stop?.(), two.stop?.()]);
    });

    /** A watch whose first connection ends after one answer, and the next begins only when `go` is called. */
    function interrupted(prefix: string, change: (reply: EtcdReply) => EtcdReply) {
      const client = etcdClient({ urls: [server.url], timeoutMs: 3000 }, systemPorts);
      const { promise, resolve: go } = Promise.withResolvers<void>();
      let connections = 0;
      async function* stream(...args: Parameters<EtcdClient["stream"]>) {
        const first = connections++ === 0;
        if (!first) await promise;
        for await (const reply of client.stream(...args)) {
          yield first ? change(reply) : reply;
          if (first) return;
        }
      }
      const said: string[] = [];
      const listener = {
        put: (id: string) => said.push(`put ${id}`),
        removed: (id: string) => said.push(`removed ${id}`),
        missed: () => said.push("missed"),
      };
      const range = beginningWith(`${prefix}/`);
      const watch = etcdWatch({ ...client, stream }, range, (key) => key, listener, systemPorts, silentLog);
      return { watch, go, said };
    }

    const put = async (key: string) => {
      const { header } = (await ask("kv/put", { key: base64(key), value: "" })) as unknown as EtcdHeader;
      return header.revision;
    };

    it("hears after an interruption what happened meanwhile, once", async () => {
      const prefix = fresh();
      const { watch, go, said } = interrupted(prefix, (reply) => reply);
      await watch.begun;
      await put(`${prefix}/a`);
      watch.knows(BigInt(await put(`${prefix}/b`)));
      await put(`${prefix}/c`);
      go();
      await eventually(() => said.includes(`put ${prefix}/c`));
      assert.deepEqual(said.slice(-1), [`put ${prefix}/c`]);
      assert.ok(said.length <= 3 && !said.includes("missed"));
      watch.stop();
    });

    it("asks for a list when etcd has forgotten the changes it missed", async () => {
      const prefix = fresh();
      const { watch, go, said } = interrupted(prefix, (reply) => reply);
      await watch.begun;
      await put(`${prefix}/a`);
      await ask("kv/compaction", { revision: await put("other") });
      go();
      await eventually(() => said.length > 0);
      await put(`${prefix}/b`);
      await eventually(() => assert.deepEqual(said, ["missed", `put ${prefix}/b`]) ?? true);
      watch.stop();
    });

    it("asks for a list when etcd has lost its data", async () => {
      const prefix = fresh();
      const lost = (reply: EtcdReply) => ({ ...reply, header: { cluster_id: "1", revision: "999999" } });
      const { watch, go, said } = interrupted(prefix, lost);
      await watch.begun;
      go();
      await eventually(() => said.length > 0);
      await put(`${prefix}/b`);
      await eventually(() => assert.deepEqual(said, ["missed", `put ${prefix}/b`]) ?? true);
      watch.stop();
    });

    it("asks the next member when one is away", async () => {
      const prefix = fresh();
      const one = await open(prefix, { urls: ["http://127.0.0.1:1", server.url] });
      const two = await open(prefix);
      await two.api.register(sampleInstance("a"));
      await sees(await watching(one.api), "a");
      await Promise.all([one.stop?.(), two.stop?.()]);
    });

    it("starts while the server is down", async () => {
      const down = await open("x", { urls: "http://127.0.0.1:1" });
      let heard = 0;
      await down.api.watch(service, () => heard++);
      await down.api.register(sampleInstance("a"));
      assert.equal(heard, 1);
      await down.stop?.();
    });

    it("logs in, and again when its token is no longer good", async () => {
      const prefix = fresh();
      await ask("auth/user/add", { name: "root", password: "secret" });
      await ask("auth/user/grant", { user: "root", role: "root" });
      await ask("auth/enable", {});
      const access = { user: "root", password: "secret" };
      const [one, stranger] = [await open(prefix, access), await open(prefix)];
      const ids = await watching(one.api);
      await stranger.api.register(sampleInstance("stranger"));
      await one.api.register(sampleInstance("a"));
      await sees(ids, "a");
      await server.kill(); // tokens do not outlive the server
      await server.restart();
      await one.api.register(sampleInstance("b"));
      await sees(ids, "a", "b");
      const { token = "" } = await ask("auth/authenticate", { name: "root", password: "secret" });
      await ask("auth/disable", {}, { authorization: token });
      await Promise.all([one.stop?.(), stranger.stop?.()]);
    });
  },
);
