// What one change costs a registry that knows many instances: `npm run bench -- registry`, as data with --json. Every registry is
// measured with 1,000 instances of 100 services and with 10,000 of 1,000, 20 of which are watched; the second should not cost more.
// Registries with a server are measured where that server is installed; names as arguments choose: `-- registry memory etcd`.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Instance, pickPlugin, type Registry, type Running, systemPorts } from "@mortise/kernel";
import {
  etcdServer,
  MissingServer,
  natsServer,
  redisServer,
  sampleInstance,
  silentLog,
  startPlugin,
  zookeeperServer,
} from "@mortise/kernel/testing";

const sizes = [100, 1000];
const perService = 10;
const watched = 20;
const changes = 50;

interface Place {
  readonly options: Readonly<Record<string, unknown>>;
  /** Whether every service has an owner of its own, as processes that share a folder have. */
  readonly manyOwners?: boolean;
  stop(): Promise<void>;
}

const on = async (server: Promise<{ readonly url: string; stop(): Promise<void> }>): Promise<Place> => {
  const running = await server;
  const { url } = running;
  return { options: { servers: url, url, urls: url }, stop: () => running.stop() };
};

const places: Readonly<Record<string, () => Promise<Place>>> = {
  memory: async () => ({ options: { realm: "bench" }, stop: async () => undefined }),
  async file() {
    const dir = await mkdtemp(join(tmpdir(), "mortise-bench-"));
    return { options: { dir, pollMs: 50 }, manyOwners: true, stop: () => rm(dir, { recursive: true, force: true }) };
  },
  etcd: () => on(etcdServer({ ours: true })),
  "nats-kv": () => on(natsServer({ ours: true })),
  redis: () => on(redisServer({ ours: true })),
  zookeeper: () => on(zookeeperServer({ ours: true })),
};

async function open(name: string, given: Place["options"]): Promise<Running<Registry>> {
  const file = join(import.meta.dirname, "../plugins/registry", name, `${name}.ts`);
  const plugin = pickPlugin(await import(file), `registry/${name}`);
  const known = (plugin.options as { readonly shape?: object } | undefined)?.shape ?? {};
  const options = Object.fromEntries(Object.entries(given).filter(([key]) => key in known));
  return startPlugin<Registry>(plugin, { options, ports: systemPorts, log: silentLog });
}

interface Row {
  readonly name: string;
  readonly instances: number;
  readonly services: number;
  /** From the change until the watcher has heard of it. */
  readonly medianMs: number;
  /** Processor time of this process per change, both ends. */
  readonly cpuMs: number;
}

async function measure(name: string, services: number): Promise<Row> {
  const place = await (places[name] as () => Promise<Place>)();
  const watcher = await open(name, place.options);
  const owners: Running<Registry>[] = [];
  for (let i = 0; i < (place.manyOwners ? services : 1); i++) owners.push(await open(name, place.options));
  const names = Array.from({ length: services }, (_, i) => `bench.v1.S${i}`);
  const instance = (service: string, i: number, weight = 100): Instance =>
    sampleInstance(`${service}-${i}`, { service, weight });
  try {
    const register = (service: number, i: number, weight?: number) =>
      owners[service % owners.length]?.api.register(instance(names[service] as string, i, weight));
    for (let service = 0; service < services; service++)
      await Promise.all(Array.from({ length: perService }, async (_, i) => register(service, i)));
    const heard = new Map<string, (weight: number) => void>();
    for (const service of names.slice(0, watched))
      await watcher.api.watch(service, (snapshot) => {
        for (const { id, weight } of snapshot) if (id === `${service}-0`) heard.get(service)?.(weight);
      });
    const times: number[] = [];
    const cpu = process.cpuUsage();
    for (let change = 0; change < changes; change++) {
      const service = change % watched;
      const weight = 1 + change;
      const came = new Promise<void>((resolve) =>
        heard.set(names[service] as string, (now) => now === weight && resolve()),
      );
      const began = performance.now();
      await register(service, 0, weight);
      await came;
      times.push(performance.now() - began);
    }
    const { user, system } = process.cpuUsage(cpu);
    const medianMs = times.toSorted((a, b) => a - b)[changes >> 1] ?? Number.NaN;
    return { name, instances: services * perService, services, medianMs, cpuMs: (user + system) / 1000 / changes };
  } finally {
    await watcher.stop?.();
    await Promise.all(owners.map(async (owner) => owner.stop?.()));
    await place.stop();
  }
}

const awake = setInterval(() => undefined, 60_000); // the timers of the registries keep no process alive
const json = process.argv.includes("--json");
const wanted = process.argv.slice(2).filter((one) => one in places);
const rows: Row[] = [];
if (!json) console.log("name        instances  services   heard after ms   processor ms per change");
for (const name of wanted.length > 0 ? wanted : Object.keys(places)) {
  for (const services of sizes) {
    try {
      const row = await measure(name, services);
      rows.push(row);
      const { instances, medianMs, cpuMs } = row;
      if (!json)
        console.log(
          `${name.padEnd(11)}${String(instances).padStart(10)}${String(services).padStart(10)}${medianMs.toFixed(2).padStart(17)}${cpuMs.toFixed(2).padStart(26)}`,
        );
    } catch (error) {
      if (!(error instanceof MissingServer)) throw error;
      console.error(`${name} is left out. ${error.message}`);
    }
  }
}
if (json) console.log(JSON.stringify(rows));
clearInterval(awake);
