import { type Log, type Ports, StatusError } from "@mortise/kernel";
import type { VersionServer } from "@mortise/kernel/spi/versioned-config";
import {
  type ConnectionOptions,
  connect,
  Events,
  type KV,
  type KvEntry,
  type NatsConnection,
  NatsError,
  type QueuedIterator,
} from "nats";

/** Somebody who is told of versions of an app; the watch is begun anew with every connection. */
interface Listening {
  readonly app: string;
  readonly changed: () => void;
  watch?: QueuedIterator<KvEntry>;
}

/** How long a start waits for the server before it goes on without it, in milliseconds. */
const firstWaitMs = 2000;
const retryMs = 250;
const requestMs = 3000;
/** "wrong last sequence": there is such a key already. */
const wrongSequence = 10071;

/**
 * Keeps versions in a bucket of NATS under `<app>.version.<number>`, and reports under `<app>.process.<name>`. Resolves when it
 * is connected, or soon without: connecting then goes on in the background, for ever.
 */
export async function natsVersions(
  connection: ConnectionOptions,
  name: string,
  replicas: number,
  { timers }: Pick<Ports, "timers">,
  log: Log,
): Promise<VersionServer> {
  const ending = new AbortController();
  const listening = new Set<Listening>();
  let nats: NatsConnection | undefined;
  let opened: Promise<KV> | undefined;

  async function begin(): Promise<void> {
    while (!ending.signal.aborted && !nats) {
      try {
        nats = await connect({
          ...connection,
          maxReconnectAttempts: -1,
          reconnectTimeWait: retryMs,
          timeout: requestMs,
        });
        void follow(nats);
      } catch (error) {
        log.debug("config-source/nats-kv cannot connect yet", { error });
        await timers.sleep(retryMs, ending.signal).catch(() => undefined);
      }
    }
    if (ending.signal.aborted) await nats?.close();
    for (const one of listening) void listenAnew(one);
  }

  async function follow(made: NatsConnection): Promise<void> {
    for await (const { type } of made.status()) {
      if (type !== Events.Reconnect) continue;
      opened = undefined; // the server may have lost the bucket
      for (const one of listening) void listenAnew(one);
    }
  }

  async function use<T>(work: (kv: KV) => Promise<T>): Promise<T> {
    if (!nats) throw new StatusError("UNAVAILABLE", "NATS is not connected");
    opened ??= nats.jetstream({ timeout: requestMs }).views.kv(name, { history: 1, replicas });
    try {
      return await work(await opened);
    } catch (error) {
      if (!isWrongSequence(error)) opened = undefined;
      throw error;
    }
  }

  async function keys(filter: string): Promise<string[]> {
    return use(async (kv) => {
      const found: string[] = [];
      for await (const key of await kv.keys(filter)) found.push(key);
      return found;
    });
  }

  async function listenAnew(one: Listening): Promise<void> {
    one.watch?.stop();
    try {
      const watch = await use((kv) => kv.watch({ key: `${one.app}.version.*`, headers_only: true }));
      if (!listening.has(one)) return watch.stop();
      one.watch = watch;
      one.changed();
      for await (const _ of watch) one.changed();
    } catch (error) {
      log.debug("config-source/nats-kv: cannot watch; looks by the clock go on", { error });
    }
  }

  const get = (key: string) => use((kv) => kv.get(key)).then((entry) => textOf(entry));
  await Promise.race([begin(), timers.sleep(firstWaitMs)]);

  return {
    numbers: async (app) => (await keys(`${app}.version.*`)).map((key) => Number(key.slice(key.lastIndexOf(".") + 1))),
    read: (app, version) => get(`${app}.version.${version}`),
    async create(app, version, text) {
      try {
        await use((kv) => kv.create(`${app}.version.${version}`, text));
        return true;
      } catch (error) {
        if (isWrongSequence(error)) return false;
        throw error;
      }
    },
    remove: (app, version) => use((kv) => kv.purge(`${app}.version.${version}`)),
    listen(app, changed) {
      const one: Listening = { app, changed };
      listening.add(one);
      void listenAnew(one);
      return () => {
        listening.delete(one);
        one.watch?.stop();
      };
    },
    putReport: async (app, process, text) => void (await use((kv) => kv.put(reportKey(app, process), text))),
    dropReport: (app, process) => use((kv) => kv.purge(reportKey(app, process))),
    async reports(app) {
      const texts = await Promise.all((await keys(`${app}.process.*`)).map(get));
      return texts.filter((text) => text !== undefined);
    },
    async close() {
      ending.abort();
      for (const { watch } of listening) watch?.stop();
      await nats?.close();
    },
  };
}

/** Keys are tokens of letters, digits and a few signs. */
function reportKey(app: string, process: string): string {
  return `${app}.process.${Buffer.from(process).toString("base64url")}`;
}

/** Nothing for a key that is not there or was taken away. */
function textOf(entry: KvEntry | null): string | undefined {
  return entry?.operation === "PUT" ? entry.string() : undefined;
}

function isWrongSequence(error: unknown): boolean {
  return error instanceof NatsError && error.api_error?.err_code === wrongSequence;
}
