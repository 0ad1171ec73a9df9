import { type Log, type Ports, StatusError } from "@mortise/kernel";
import type { LeasedEntry, LeasedListener, LeasedServer } from "@mortise/kernel/spi/leased-registry";
import {
  type ConnectionOptions,
  connect,
  Events,
  type KV,
  type KvEntry,
  type NatsConnection,
  type QueuedIterator,
} from "nats";

export interface NatsKvOptions {
  readonly bucket: string;
  readonly leaseMs: number;
  readonly replicas: number;
}

/** A watch of one service: begun anew whenever the connection or the bucket is. */
interface Listening {
  readonly service: string;
  readonly listener: LeasedListener;
  watch: QueuedIterator<KvEntry> | undefined;
}

/** How long a start waits for the server before it goes on without it, in milliseconds. */
const firstWaitMs = 2000;
const retryMs = 250;

/**
 * Keeps instances in a bucket of NATS whose entries end after the lease. Resolves when it is connected, or soon without:
 * connecting then goes on in the background, for ever.
 */
export async function natsServer(
  connection: ConnectionOptions,
  options: NatsKvOptions,
  { timers }: Pick<Ports, "timers">,
  log: Log,
): Promise<LeasedServer> {
  const listening = new Set<Listening>();
  const ending = new AbortController();
  let nats: NatsConnection | undefined;
  let bucket: KV | undefined;
  let up = false;

  async function begin(): Promise<void> {
    while (!ending.signal.aborted) {
      const made = await connect({
        ...connection,
        maxReconnectAttempts: -1,
        reconnectTimeWait: retryMs,
        timeout: 3000,
      }).catch((error: unknown) => log.debug("registry/nats-kv cannot connect yet", { error }));
      if (made) return await use(made);
      await timers.sleep(retryMs, ending.signal).catch(() => undefined);
    }
  }

  async function use(made: NatsConnection): Promise<void> {
    if (ending.signal.aborted) return await made.close();
    nats = made;
    void follow(made);
    await reopen().catch((error: unknown) => log.error("registry/nats-kv has no bucket", { error }));
  }

  async function follow(made: NatsConnection): Promise<void> {
    for await (const { type } of made.status()) {
      if (type === Events.Disconnect) up = false;
      if (type === Events.Reconnect)
        await reopen().catch((error: unknown) => log.debug("registry/nats-kv: reopening", { error }));
    }
  }

  /** Makes the bucket if it is not there, or no longer there, and watches anew. */
  async function reopen(): Promise<void> {
    if (!nats) throw away();
    const { leaseMs, replicas } = options;
    bucket = await nats.jetstream().views.kv(options.bucket, { history: 1, ttl: leaseMs, replicas });
    up = true;
    for (const one of listening) {
      await watch(one);
      one.listener.missed();
    }
  }

  async function kv(): Promise<KV> {
    if (!up || !bucket) throw away();
    return bucket;
  }

  async function watch(one: Listening): Promise<void> {
    one.watch?.stop();
    one.watch = undefined;
    const iterator = await (await kv()).watch({ key: `${one.service}.*` });
    one.watch = iterator as QueuedIterator<KvEntry>;
    void pump(one, iterator as QueuedIterator<KvEntry>);
  }

  async function pump({ listener }: Listening, entries: QueuedIterator<KvEntry>): Promise<void> {
    for await (const { key, operation, value } of entries) {
      const id = idOf(key);
      if (operation === "PUT") listener.put(id, text.decode(value));
      else listener.removed(id);
    }
  }

  const put = async ({ service, id, text }: LeasedEntry) => void (await (await kv()).put(keyOf(service, id), text));

  await Promise.race([begin(), timers.sleep(firstWaitMs)]);

  return {
    silentExpiry: true,
    get connected() {
      return up;
    },
    put,
    remove: async ({ service, id }) => (await kv()).delete(keyOf(service, id)),
    async renew(entries) {
      try {
        await Promise.all(entries.map(put));
      } catch (error) {
        if (!up) throw error;
        await reopen(); // the server has lost the bucket
        await Promise.all(entries.map(put));
      }
    },
    async list(service) {
      const entries: LeasedEntry[] = [];
      for await (const { key, operation, value } of await (await kv()).history({ key: `${service}.*` })) {
        if (operation === "PUT") entries.push({ service, id: idOf(key), text: text.decode(value) });
      }
      return entries;
    },
    async services() {
      const names = new Set<string>();
      for await (const key of await (await kv()).keys()) names.add(key.slice(0, key.lastIndexOf(".")));
      return [...names];
    },
    async listen(service, listener) {
      const one: Listening = { service, listener, watch: undefined };
      listening.add(one);
      if (up) await watch(one);
      return async () => {
        listening.delete(one);
        one.watch?.stop();
      };
    },
    async close() {
      up = false;
      ending.abort();
      await nats?.close();
    },
  };
}

const text = new TextDecoder();

/** Keys of a bucket are tokens of letters, digits and a few signs, so the id is written in base64url. */
function keyOf(service: string, id: string): string {
  return `${service}.${Buffer.from(id).toString("base64url")}`;
}

function idOf(key: string): string {
  return Buffer.from(key.slice(key.lastIndexOf(".") + 1), "base64url").toString();
}

function away(): StatusError {
  return new StatusError("UNAVAILABLE", "NATS is not connected");
}
