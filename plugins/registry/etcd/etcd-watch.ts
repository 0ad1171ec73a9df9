import type { Log, Ports } from "@mortise/kernel";
import type { LeasedListener } from "@mortise/kernel/spi/leased-registry";
import type { EtcdClient, EtcdReply } from "./etcd-client.ts";
import { type KeyRange, keyValue, listOf, numberOf, recordOf, revisionOf } from "./etcd-values.ts";

/** Hears of the changes of one range of keys, over as many connections as it takes. */
export interface EtcdWatch {
  /** Resolves when changes from now on are heard, or once the first attempt to connect has failed. */
  readonly begun: Promise<void>;
  /** The newest revision up to which every change is known; 0: none yet. */
  readonly revision: bigint;
  /** Changes up to this revision are known from elsewhere and need not be heard. */
  knows(revision: bigint): void;
  stop(): void;
}

/** How long to wait before connecting anew, in milliseconds. */
const retryMs = 250;

/** @param idOf the id of an instance by its key */
export function etcdWatch(
  client: EtcdClient,
  range: KeyRange,
  idOf: (key: string) => string,
  listener: LeasedListener,
  { timers }: Pick<Ports, "timers">,
  log: Log,
): EtcdWatch {
  const ending = new AbortController();
  const { signal } = ending;
  const begun = Promise.withResolvers<void>();
  let revision = 0n;
  let cluster: unknown;
  /** Whether changes went by unheard, so that only a list helps. */
  let missed = false;

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      try {
        await connection();
      } catch (error) {
        if (!signal.aborted) log.debug("registry/etcd: a watch begins anew", { error });
      }
      missed ||= cluster === undefined;
      begun.resolve();
      await timers.sleep(retryMs, signal).catch(() => undefined);
    }
  }

  /** One connection, which begins after the last revision known. */
  async function connection(): Promise<void> {
    const since = revision > 0n && { start_revision: `${revision + 1n}` };
    for await (const reply of client.stream("watch", { create_request: { ...range, ...since } }, signal)) {
      if (reply.canceled === true) return cancelled(reply);
      if (reply.created === true && !created(reply)) return;
      const changes = listOf(reply.events);
      changes.forEach(heard);
      for (const { kv } of changes) know(keyValue(recordOf(kv)).modified);
    }
  }

  /** False when this is no longer the data it was, and the watch must begin from nothing. */
  function created(reply: EtcdReply): boolean {
    const { cluster_id } = recordOf(reply.header);
    const lost = cluster !== undefined && (cluster_id !== cluster || revisionOf(reply) < revision);
    cluster = cluster_id;
    if (lost) return forget();
    if (revision === 0n) know(revisionOf(reply));
    if (missed) listener.missed();
    missed = false;
    begun.resolve();
    return true;
  }

  function cancelled(reply: EtcdReply): void {
    log.debug("registry/etcd: etcd ends a watch", { reason: reply.cancel_reason });
    client.forgetToken(); // a token that has ended is told in this way, too
    if (numberOf(reply.compact_revision) > 0n) forget();
  }

  function forget(): false {
    revision = 0n;
    missed = true;
    return false;
  }

  function heard(event: EtcdReply): void {
    const { key, value, modified } = keyValue(recordOf(event.kv));
    if (modified <= revision) return;
    if (event.type === "DELETE") listener.removed(idOf(key));
    else listener.put(idOf(key), value);
  }

  function know(known: bigint): void {
    if (known > revision) revision = known;
  }

  void follow();
  return {
    begun: begun.promise,
    get revision() {
      return revision;
    },
    knows: know,
    stop: () => ending.abort(),
  };
}
