import type { Log } from "@mortise/kernel";
import type { LeasedListener, LeasedServer } from "@mortise/kernel/spi/leased-registry";
import type { RedisClientType } from "redis";
import { listScript, putScript, removeScript, servicesScript } from "./scripts.ts";

export interface RedisServerOptions {
  readonly prefix: string;
  readonly leaseMs: number;
}

/** Keeps instances in Redis: per service a sorted set of lease ends, a hash of instances and a channel of changes. */
export async function redisServer(
  client: RedisClientType,
  { prefix, leaseMs }: RedisServerOptions,
  log: Log,
): Promise<LeasedServer> {
  const subscriber = client.duplicate();
  /** Who listens, and how it begins to; told again whenever there is a connection again. */
  const listeners = new Map<LeasedListener, () => Promise<void>>();
  const services = `${prefix}:services`;
  const keys = (service: string) => [`${prefix}:leases:${service}`, `${prefix}:values:${service}`, services];
  const channel = (service: string) => `${prefix}:changes:${service}`;

  for (const one of [client, subscriber])
    one.on("error", (error) => log.debug("registry/redis: connection", { error }));
  subscriber.on("ready", () => {
    for (const [listener, begin] of listeners)
      begin().then(
        () => listener.missed(),
        (error: unknown) => log.debug("registry/redis: subscription", { error }),
      );
  });
  await Promise.all([firstTry(client), firstTry(subscriber)]);

  async function put(service: string, id: string, text: string): Promise<void> {
    await client.eval(putScript, {
      keys: keys(service),
      arguments: [id, text, service, `${leaseMs}`, channel(service)],
    });
  }

  return {
    silentExpiry: true,
    get connected() {
      return client.isReady && subscriber.isReady;
    },
    put: ({ service, id, text }) => put(service, id, text),
    async remove({ service, id }) {
      await client.eval(removeScript, { keys: keys(service), arguments: [id, service, channel(service)] });
    },
    async renew(entries) {
      await Promise.all(entries.map(({ service, id, text }) => put(service, id, text)));
    },
    async list(service) {
      const flat = (await client.eval(listScript, { keys: keys(service).slice(0, 2) })) as readonly string[];
      return flat.flatMap((id, i) => (i % 2 === 0 ? [{ service, id, text: flat[i + 1] ?? "" }] : []));
    },
    services: async () => (await client.eval(servicesScript, { keys: [services] })) as readonly string[],
    async listen(service, listener) {
      const heard = (message: string) => tell(message, listener);
      let subscribed = false;
      const begin = async () => {
        if (subscribed) return; // the package subscribes again by itself to what it was subscribed to
        await subscriber.subscribe(channel(service), heard);
        subscribed = true;
      };
      listeners.set(listener, begin);
      if (subscriber.isReady) await begin();
      return async () => {
        listeners.delete(listener);
        if (subscriber.isReady) await subscriber.unsubscribe(channel(service), heard);
      };
    },
    async close() {
      client.destroy();
      subscriber.destroy();
    },
  };
}

function tell(message: string, listener: LeasedListener): void {
  const end = message.indexOf("\0");
  if (message.startsWith("-")) listener.removed(message.slice(1));
  else if (message.startsWith("+") && end > 0) listener.put(message.slice(1, end), message.slice(end + 1));
}

/** Begins to connect, for ever; resolves when it is connected or has failed once, so that a start does not wait for the server. */
function firstTry(client: RedisClientType): Promise<void> {
  return new Promise((resolve) => {
    client.once("ready", () => resolve());
    client.once("error", () => resolve());
    client.connect().catch(() => resolve());
  });
}
