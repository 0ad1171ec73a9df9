import { type Log, type Ports, StatusError } from "@mortise/kernel";
import type { LeasedEntry, LeasedServer } from "@mortise/kernel/spi/leased-registry";
import type { EtcdClient } from "./etcd-client.ts";
import { base64, beginningWith, keyValue, listOf, numberOf, recordOf, revisionOf } from "./etcd-values.ts";
import { type EtcdWatch, etcdWatch } from "./etcd-watch.ts";

export interface EtcdServerOptions {
  readonly prefix: string;
  readonly leaseMs: number;
}

/** Keeps instances in etcd under one lease per process: `<prefix>/<service>/<id>`. */
export function etcdServer(
  client: EtcdClient,
  { prefix, leaseMs }: EtcdServerOptions,
  ports: Pick<Ports, "timers">,
  log: Log,
): LeasedServer {
  const root = `${prefix}/`;
  const folder = (service: string) => `${root}${service}/`;
  const keyOf = ({ service, id }: LeasedEntry) => `${folder(service)}${id}`;
  const watches = new Map<string, EtcdWatch>();
  let lease: Promise<string> | undefined;
  /** What lies under the lease. */
  let kept = new Map<string, string>();

  async function grant(): Promise<string> {
    const { ID } = await client.call("lease/grant", { TTL: `${Math.ceil(leaseMs / 1000)}` });
    return String(ID);
  }

  async function currentLease(): Promise<string> {
    lease ??= grant();
    return lease.catch((error: unknown) => {
      lease = undefined;
      throw error;
    });
  }

  function dropLease(): void {
    lease = undefined;
    kept = new Map();
  }

  async function put(entry: LeasedEntry): Promise<void> {
    const under = await currentLease();
    await client.call("kv/put", { key: base64(keyOf(entry)), value: base64(entry.text), lease: under });
    kept.set(keyOf(entry), entry.text);
  }

  /** Puts under a new lease if the old one has ended unnoticed. */
  async function putSurely(entry: LeasedEntry): Promise<void> {
    try {
      await put(entry);
    } catch (error) {
      if (!(error instanceof StatusError) || error.code !== "NOT_FOUND") throw error;
      dropLease();
      await put(entry);
    }
  }

  async function remove(key: string): Promise<void> {
    kept.delete(key);
    await client.call("kv/deleterange", { key: base64(key) });
  }

  /** Whether the lease was still there. */
  async function keepAlive(): Promise<boolean> {
    const { result } = await client.call("lease/keepalive", { ID: await currentLease() });
    return numberOf(recordOf(result).TTL) > 0n;
  }

  async function list(service: string, tries = 3): Promise<readonly LeasedEntry[]> {
    const watch = watches.get(service);
    const reply = await client.call("kv/range", beginningWith(folder(service)));
    const revision = revisionOf(reply);
    if (watch && watch.revision > revision && tries > 1) return list(service, tries - 1); // a change was heard meanwhile
    watch?.knows(revision);
    return listOf(reply.kvs).map((found) => {
      const { key, value } = keyValue(found);
      return { service, id: key.slice(folder(service).length), text: value };
    });
  }

  return {
    silentExpiry: false,
    connected: true, // asked only where entries go silently
    put: putSurely,
    remove: (entry) => remove(keyOf(entry)),
    async renew(entries) {
      if (!(await keepAlive())) dropLease();
      const lacking = entries.filter((entry) => kept.get(keyOf(entry)) !== entry.text);
      await Promise.all(lacking.map(putSurely));
    },
    list: (service) => list(service),
    async services() {
      const reply = await client.call("kv/range", { ...beginningWith(root), keys_only: true });
      const names = listOf(reply.kvs).map((found) => keyValue(found).key.slice(root.length));
      return [...new Set(names.map((name) => name.slice(0, name.indexOf("/"))))];
    },
    async listen(service, listener) {
      const watch = etcdWatch(
        client,
        beginningWith(folder(service)),
        (key) => key.slice(folder(service).length),
        listener,
        ports,
        log,
      );
      watches.set(service, watch);
      await watch.begun;
      return async () => {
        watch.stop();
        if (watches.get(service) === watch) watches.delete(service);
      };
    },
    async close() {
      for (const watch of watches.values()) watch.stop();
      const held = await lease?.catch(() => undefined);
      if (held !== undefined) await client.call("lease/revoke", { ID: held }).catch(() => undefined);
    },
  };
}
