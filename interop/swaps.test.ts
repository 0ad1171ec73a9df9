// Every strategy of a call that is installed is exchanged for every other by editing the YAML files of two running apps.
import assert from "node:assert/strict";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import {
  clients,
  cluster,
  createKernel,
  type Kernel,
  loadBalancer,
  type Plugin,
  type ProtocolFacts,
  protocol,
  router,
  serializer,
  systemPorts,
  tracer,
} from "@mortise/kernel";
import { liveApp, loadApp, watchFiles } from "@mortise/kernel/config";
import { eventually, keptLog, natsServer, onServer, redisServer } from "@mortise/kernel/testing";
import { installedOf } from "./installed.fixture.ts";
import { Swaps } from "./swaps.fixture.ts";

type Names = readonly string[];
type Fields = Readonly<Record<string, unknown>>;

/** What an app file says that changes from edit to edit. */
interface Edit {
  readonly what: string;
  readonly use?: Readonly<Record<string, string | Names>>;
  readonly policy?: Fields;
}

const namesOf = async (spi: string): Promise<Names> => [...(await installedOf(spi)).keys()];
const carriesUnary = ({ facts }: Plugin) => (facts as ProtocolFacts).kinds.includes("unary");

const protocols = [...(await installedOf("protocol"))]
  .filter(([, plugin]) => carriesUnary(plugin))
  .map(([name]) => name);
const routers = await namesOf("router");
const serializers = await namesOf("serializer");
const limits = { rate: 1e6, burst: 1e6, windowLimit: 1e6, bbr: { load: 1 }, limitAt: "call" };

/** One after the other of an SPI, by the key `use` has for it. */
const each = (spi: string, names: Names): Edit[] =>
  names.map((name) => ({ what: `${spi} ${name}`, use: { [spi]: name } }));

/** The walk: grpc, dubbo, nats and rest in this order, then whatever else carries calls, and home again. */
const walk = ["grpc", "dubbo", "nats", "rest"].filter((name) => protocols.includes(name));
const others = protocols.filter((name) => !walk.includes(name));

const edits: readonly Edit[] = [
  ...each("loadbalancer", await namesOf("loadbalancer")),
  ...each("loadbalancer", await namesOf("loadbalancer")).map((edit) => ({
    ...edit,
    what: `${edit.what}, sticky`,
    policy: { sticky: true },
  })),
  ...each("cluster", await namesOf("cluster")),
  ...routers.map((name) => ({ what: `router ${name} alone`, use: { router: [name, "-default"] } })),
  { what: "all routers", use: { router: [...routers, "-default"] } },
  { what: "the default routers" },
  { what: "no router", use: { router: ["-default"] } },
  ...(await namesOf("breaker")).map((breaker) => ({ what: `breaker ${breaker}`, policy: { breaker } })),
  ...(await namesOf("limiter")).map((limiter) => ({ what: `limiter ${limiter}`, policy: { limiter, ...limits } })),
  ...serializers.map((name) => ({
    what: `serializer ${name}`,
    use: { serializer: [name, ...serializers.filter((other) => other !== name)] },
  })),
  ...each("tracer", await namesOf("tracer")),
  { what: "no filters", use: { filter: [] } },
  { what: "fewer filters", use: { filter: ["default", "-metrics", "-tracing"] } },
  ...each("protocol", [...walk, ...walk.toReversed().slice(1), ...others, "grpc"]),
];

/** JSON is YAML. */
function appFile({ use = {}, policy = {} }: Edit, servers: { readonly nats: string; readonly redis: string }): string {
  const base = {
    protocol: "grpc",
    serializer: serializers,
    cluster: "failover",
    filter: ["default"],
    registry: "memory",
    clients: "runtime",
  };
  const config = {
    app: "swaps",
    use: { ...base, ...use },
    options: {
      "registry/memory": { realm: "swaps" },
      "protocol/nats": { servers: servers.nats, prefix: "swaps" },
      "limiter/redis": { url: servers.redis },
    },
    services: { swaps: join(import.meta.dirname, "swaps.fixture.ts") },
    policies: { "*": { timeoutMs: 30_000, ...policy } },
  };
  return JSON.stringify(config, undefined, 2);
}

/** An app that runs from a file and goes along with its changes. */
async function appAt(file: string) {
  const log = keptLog();
  const load = () => loadApp(file);
  const app = await load();
  assert.deepEqual(
    app.problems.map(({ message }) => message),
    [],
  );
  const kernel = createKernel({ catalogue: app.catalogue, log });
  const live = liveApp({ kernel, ports: systemPorts, log, app, load, process: file });
  const result = await live.started;
  if (!result.ok) throw result.error;
  const failed = (error: unknown) => assert.fail(String(error));
  const watching = watchFiles({ files: app.files, ports: systemPorts, changed: live.reload, failed, settleMs: 5 });
  const count = (what: RegExp) => log.lines.filter(({ message }) => what.test(message)).length;
  return {
    kernel,
    log,
    applied: () => count(/^the change of the configuration is applied$/),
    refused: () => count(/the running app is unchanged$/),
    async stop() {
      await watching.close();
      await live.close();
      await kernel.stop();
    },
  };
}

const tokens = { loadbalancer: loadBalancer, cluster, router, serializer, tracer, protocol };

/** What the edit names first is what serves now. */
function assertServes(kernel: Kernel, { use = {} }: Edit): void {
  for (const [spi, token] of Object.entries(tokens)) {
    const named = [use[spi] ?? []].flat()[0];
    if (named !== undefined && named !== "-default")
      assert.equal(kernel.every<unknown>(token).keys().next().value, named);
  }
}

/** Calls by many workers, until told to stop. */
function load(kernel: Kernel, workers: number) {
  const { say } = kernel.get(clients).client(Swaps);
  const failures: string[] = [];
  const state = { calls: 0, going: true, doing: "" };
  const work = async () => {
    while (state.going) {
      const number = state.calls++;
      const said = await say({ text: "again", number }).catch((error: unknown) => {
        failures.push(`${state.doing}: ${error}`);
        return { text: "again", number };
      });
      if (said.text !== "again" || said.number !== number) failures.push(`${state.doing}: another answer`);
    }
  };
  const all = Promise.all(Array.from({ length: workers }, work));
  return {
    state,
    failures,
    async stop() {
      state.going = false;
      await all;
    },
  };
}

await onServer("with NATS", natsServer, (nats) => {
  it("no idempotent call fails while two apps go through every strategy that is installed, by their YAML files", async (t) => {
    const redis = await redisServer();
    t.after(() => redis.stop());
    const dir = await mkdtemp(join(tmpdir(), "mortise-swaps-"));
    t.after(() => rm(dir, { recursive: true, force: true }));
    const files = ["one.yaml", "two.yaml"].map((name) => join(dir, name));
    const write = async (edit: Edit) => {
      for (const file of files) {
        await writeFile(`${file}.new`, appFile(edit, { nats: nats.url, redis: redis.url }));
        await rename(`${file}.new`, file);
      }
    };
    await write({ what: "the beginning" });
    const apps = await Promise.all(files.map(appAt));
    t.after(() => Promise.all(apps.map((app) => app.stop())));
    const calling = load((apps[0] as (typeof apps)[number]).kernel, 16);
    for (const [number, edit] of edits.entries()) {
      calling.state.doing = edit.what;
      await write(edit);
      const applied = () => apps.every(({ applied }) => applied() > number);
      await eventually(() => applied() || apps.some(({ refused }) => refused() > 0), 60_000);
      const errors = apps.flatMap(({ log }) => log.lines.filter(({ level }) => level === "error"));
      assert.ok(applied(), `${edit.what}: ${errors.map(({ message }) => message).join("\n")}`);
      for (const { kernel } of apps) assertServes(kernel, edit);
      const from = calling.state.calls;
      await eventually(() => calling.state.calls >= from + 100, 60_000);
    }
    await calling.stop();
    assert.deepEqual(calling.failures, []);
    for (const name of ["grpc", "inproc"]) assert.ok(protocols.includes(name));
  });
});
