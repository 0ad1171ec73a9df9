import { type Log, type Ports, StatusError } from "@mortise/kernel";
import { type ConnectionOptions, connect, type KV, type NatsConnection, NatsError } from "nats";

/** A key-value bucket that is there whenever the server is. */
export interface Bucket {
  /** The text and revision of a key; undefined when it was never written. */
  read(key: string): Promise<{ readonly text: string; readonly revision: number } | undefined>;
  /** Writes if the revision is still this one, 0: never written. Gives the new revision, or undefined when it is another. */
  write(key: string, text: string, revision: number): Promise<number | undefined>;
  close(): Promise<void>;
}

/** How long a start waits for the server before it goes on without it, in milliseconds. */
const firstWaitMs = 2000;
const retryMs = 250;
const requestMs = 3000;
/** "wrong last sequence": somebody has written meanwhile. */
const wrongSequence = 10071;

/** Resolves when it is connected, or soon without: connecting then goes on in the background, for ever. */
export async function natsBucket(
  connection: ConnectionOptions,
  name: string,
  replicas: number,
  { timers }: Pick<Ports, "timers">,
  log: Log,
): Promise<Bucket> {
  const ending = new AbortController();
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
      } catch (error) {
        log.debug("lock/nats-kv cannot connect yet", { error });
        await timers.sleep(retryMs, ending.signal).catch(() => undefined);
      }
    }
    if (ending.signal.aborted) await nats?.close();
  }

  function open(): Promise<KV> {
    if (!nats) throw new StatusError("UNAVAILABLE", "NATS is not connected");
    return nats.jetstream({ timeout: requestMs }).views.kv(name, { history: 1, replicas });
  }

  /** Looks for the bucket anew after an error: it may have gone. */
  async function use<T>(work: (kv: KV) => Promise<T>): Promise<T> {
    opened ??= open();
    try {
      return await work(await opened);
    } catch (error) {
      if (!isWrongSequence(error)) opened = undefined;
      throw error;
    }
  }

  await Promise.race([begin(), timers.sleep(firstWaitMs)]);

  return {
    read: (key) =>
      use(async (kv) => {
        const entry = await kv.get(key);
        return entry ? { text: entry.string(), revision: entry.revision } : undefined;
      }),
    async write(key, text, revision) {
      try {
        return await use((kv) => kv.put(key, text, { previousSeq: revision }));
      } catch (error) {
        if (isWrongSequence(error)) return undefined;
        throw error;
      }
    },
    async close() {
      ending.abort();
      await nats?.close();
    },
  };
}

function isWrongSequence(error: unknown): boolean {
  return error instanceof NatsError && error.api_error?.err_code === wrongSequence;
}
