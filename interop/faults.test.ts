// What happens to calls when something between real processes breaks. Killed and paused providers: failover.test.ts.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { type Plugin, StatusError } from "@mortise/kernel";
import { freePort } from "@mortise/kernel/processes/free-port";
import { eventually, onServer, redisServer, testApp } from "@mortise/kernel/testing";
import { failover } from "@mortise/plugins/cluster/failover/failover";
import { p2c } from "@mortise/plugins/loadbalancer/p2c/p2c";
import { roundRobin } from "@mortise/plugins/loadbalancer/round-robin/round-robin";
import { faultPlugins, type Provider, Work } from "./faults.fixture.ts";
import { tcpProxy } from "./proxy.fixture.ts";

const plugins: readonly Plugin[] = [...faultPlugins, failover, p2c, roundRobin];

/** Starts a process; gives its address and how to end it. */
async function provider(t: TestContext, given: Provider) {
  const script = join(import.meta.dirname, "faults.fixture.ts");
  const child = spawn(process.execPath, ["--conditions=source", script, JSON.stringify(given)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const [said] = await once(child.stdout, "data");
  return { child, address: `${said}`.trim() };
}

async function folder(t: TestContext): Promise<{ "registry/file": object }> {
  const dir = await mkdtemp(join(tmpdir(), "mortise-faults-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return { "registry/file": { dir, pollMs: 50, leaseMs: 2000 } };
}

/** An app that only calls, and what has come of its calls. */
async function caller(
  t: TestContext,
  registry: string,
  options: object,
  policy: object = {},
  loadbalancer = "round-robin",
) {
  const app = await testApp({
    plugins,
    use: { protocol: "grpc", registry, cluster: "failover", loadbalancer, filter: ["default"], server: [] },
    options: { ...options },
    policies: { "*": { timeoutMs: 30_000, attemptTimeoutMs: 1000, retries: 4, ...policy } },
  });
  t.after(() => app.stop());
  const work = app.clients.client(Work);
  const failed: StatusError[] = [];
  const by = new Map<string, number>();
  let calls = 0;
  let over = false;
  const call = async () => {
    try {
      const { by: name } = await work.do({});
      by.set(name, (by.get(name) ?? 0) + 1);
    } catch (error) {
      failed.push(error as StatusError);
    }
    calls++;
  };
  const loop = async () => {
    while (!over) await call();
  };
  const loops: Promise<void>[] = [];
  return {
    failed,
    by,
    load: (count: number) => loops.push(...Array.from({ length: count }, loop)),
    pass: (count: number) => {
      const from = calls;
      return eventually(() => calls >= from + count, 120_000);
    },
    async end() {
      over = true;
      await Promise.all(loops);
    },
    work,
  };
}

describe("calls between real processes", () => {
  it("go on without an error while the network to a provider is cut, and reach it again after", async (t) => {
    const options = await folder(t);
    const proxy = await tcpProxy();
    t.after(() => proxy.close());
    const port = await freePort();
    proxy.to = `127.0.0.1:${port}`;
    const own = { "protocol/grpc": { port, advertise: proxy.address } };
    const { address } = await provider(t, { name: "behind", registry: "file", options: { ...options, ...own } });
    assert.equal(address, proxy.address);
    await provider(t, { name: "direct", registry: "file", options });
    const app = await caller(t, "file", { ...options, "protocol/grpc": { keepaliveMs: 500, keepaliveTimeoutMs: 500 } });
    app.load(8);
    await eventually(() => (app.by.get("behind") ?? 0) > 50 && (app.by.get("direct") ?? 0) > 50, 60_000);
    assert.ok(proxy.connections > 0);
    proxy.cut();
    await app.pass(300);
    const before = app.by.get("behind") ?? 0;
    proxy.heal();
    await eventually(() => (app.by.get("behind") ?? 0) > before + 50, 60_000);
    await app.end();
    assert.deepEqual(app.failed, []);
  });

  it("avoid an instance that is slow", async (t) => {
    const options = await folder(t);
    const slow = { name: "slow", registry: "file", waitMs: 1000, options } as const;
    const quick = (name: string) => ({ name, registry: "file", waitMs: 5, options }) as const;
    await Promise.all([provider(t, slow), provider(t, quick("one")), provider(t, quick("two"))]);
    const patient = { timeoutMs: 30_000, attemptTimeoutMs: 30_000 };
    const app = await caller(t, "file", options, patient, "p2c");
    await eventually(async () => {
      await app.work.do({});
      return true;
    }, 60_000);
    app.load(16);
    await app.pass(1500);
    await app.end();
    const share =
      (app.by.get("slow") ?? 0) / ["slow", "one", "two"].reduce((sum, name) => sum + (app.by.get(name) ?? 0), 0);
    assert.ok(share < 0.1, `the slow one got ${Math.round(share * 100)} %`);
    assert.deepEqual(app.failed, []);
  });

  it("are refused fast in a flood, with a code that says why, and others are still answered", async (t) => {
    const options = await folder(t);
    const bulkhead = { maxConcurrent: 8, maxQueue: 8 };
    await provider(t, {
      ...{ name: "one", registry: "file", waitMs: 5, burnMs: 2, options },
      policies: { "*": { bulkhead } },
    });
    const patient = { timeoutMs: 60_000, attemptTimeoutMs: 60_000 };
    const app = await caller(t, "file", options, { retries: 0, ...patient });
    await eventually(() => app.work.do({}).catch(() => undefined), 60_000);
    const took: number[] = [];
    let good = 0;
    const codes = new Map<string, number>();
    await Promise.all(
      Array.from({ length: 1000 }, async () => {
        const began = performance.now();
        try {
          await app.work.do({});
          good++;
        } catch (error) {
          took.push(performance.now() - began);
          const code = error instanceof StatusError ? `${error.code} ${error.reason}` : `${error}`;
          codes.set(code, (codes.get(code) ?? 0) + 1);
        }
      }),
    );
    assert.deepEqual([...codes.keys()], ["RESOURCE_EXHAUSTED BULKHEAD_FULL"]);
    assert.ok(good >= 16, `${good} were answered`);
    assert.ok(took.length > 500, `${took.length} were refused`);
    assert.ok(Math.max(...took) < 30_000, "nobody waits for the deadline to be refused");
    await eventually(() => app.work.do({}).catch(() => undefined), 60_000); // and then it serves as before
  });
});

await onServer(
  "calls between real processes while their registry is away",
  () => redisServer({ ours: true }),
  (server) => {
    it("go on without an error while the registry is killed and started again, and see who comes after", async (t) => {
      const options = { "registry/redis": { url: server.url, leaseMs: 2000 } };
      await Promise.all(["one", "two"].map((name) => provider(t, { name, registry: "redis", options })));
      const app = await caller(t, "redis", options);
      app.load(8);
      await eventually(() => (app.by.get("one") ?? 0) > 50 && (app.by.get("two") ?? 0) > 50, 60_000);
      await server.kill();
      await app.pass(500);
      await server.restart(); // it has lost its data
      await app.pass(500);
      await provider(t, { name: "three", registry: "redis", options });
      await eventually(() => (app.by.get("three") ?? 0) > 50, 60_000);
      await app.end();
      assert.deepEqual(app.failed, []);
    });

    it("begin although the registry is down, in a process that is started then and has what an earlier one wrote down", async (t) => {
      const cacheDir = await mkdtemp(join(tmpdir(), "mortise-known-"));
      t.after(() => rm(cacheDir, { recursive: true, force: true }));
      const options = { "registry/redis": { url: server.url, prefix: "known:" }, "directory/registry": { cacheDir } };
      await Promise.all(["one", "two"].map((name) => provider(t, { name, registry: "redis", options })));
      const earlier = await caller(t, "redis", options);
      await eventually(async () => {
        await earlier.work.do({});
        const [written] = await readdir(cacheDir);
        return written !== undefined && JSON.parse(await readFile(join(cacheDir, written), "utf8")).length === 2;
      }, 60_000);
      await server.kill();
      const later = await caller(t, "redis", options);
      later.load(4);
      await eventually(() => later.by.size === 2, 60_000);
      await server.restart();
      await later.pass(100);
      await later.end();
      assert.deepEqual(later.failed, []);
    });
  },
);
