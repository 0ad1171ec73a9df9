import type { Log, Running } from "../core/plugin.ts";
import type { Ports } from "../core/ports.ts";
import type { Instance } from "./instance.ts";
import { readInstance, writeInstance } from "./instance-json.ts";
import { instanceTable } from "./instance-table.ts";
import type { Registration, Registry } from "./registry.ts";

/** One instance as a server keeps it. */
export interface LeasedEntry {
  readonly service: string;
  readonly id: string;
  /** The instance, as `writeInstance` wrote it. */
  readonly text: string;
}

/** What a server says about one service. */
export interface LeasedListener {
  put(id: string, text: string): void;
  removed(id: string): void;
  /** The connection is back: changes may have been missed. */
  missed(): void;
}

/** A server that keeps entries for as long as somebody renews them. */
export interface LeasedServer {
  /**
   * Whether entries that are not renewed go silently, so that watchers must notice it themselves: then `renew` is heard by
   * listeners as `put`. Otherwise the server tells of entries whose lease has ended.
   */
  readonly silentExpiry: boolean;
  readonly connected: boolean;
  /** Resolves when others can see it. */
  put(entry: LeasedEntry): Promise<void>;
  remove(entry: LeasedEntry): Promise<void>;
  /** Keeps all that this process has put; puts again what the server no longer has. */
  renew(entries: readonly LeasedEntry[]): Promise<void>;
  list(service: string): Promise<readonly LeasedEntry[]>;
  services(): Promise<readonly string[]>;
  /** Resolves when changes from now on are heard. */
  listen(service: string, listener: LeasedListener): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

export interface LeaseOptions {
  /** An entry that is not renewed for so long is gone, in milliseconds. Renewed three times as often. */
  readonly leaseMs: number;
}

interface Seen {
  readonly text: string;
  readonly instance: Instance;
  /** Monotonic milliseconds. */
  renewedAt: number;
}

/** What is known of one service while it is watched. */
interface Known {
  readonly seen: Map<string, Seen>;
  readonly close: Promise<() => Promise<void>>;
  watchers: number;
}

/**
 * A registry over a server that keeps leased entries. While the server is away, nothing known expires; what was registered
 * is made known and what was withdrawn is removed as soon as it is back. An update costs what changed, whatever else is
 * there.
 */
export function leasedRegistry(
  server: LeasedServer,
  { leaseMs }: LeaseOptions,
  ports: Ports,
  log: Log,
): Running<Registry> {
  const { clock, timers } = ports;
  const table = instanceTable((error) => log.error("a listener of the registry failed", { error }));
  const offered = new Map<string, LeasedEntry>();
  const leaving = new Map<string, LeasedEntry>(); // what the server could not be told to remove
  const known = new Map<string, Known>();
  let away = false;

  /** Runs work on the server; says once that it is away, and once that it is back. */
  async function attempt(what: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      if (away) log.info("the registry is back");
      away = false;
      return true;
    } catch (error) {
      if (!away)
        log.warn(`the registry is away: cannot ${what}; what is known stays, and this is tried again`, { error });
      away = true;
      return false;
    }
  }

  /** Removes an entry, now or when the server is back. */
  async function remove(entry: LeasedEntry): Promise<void> {
    const key = `${entry.service} ${entry.id}`;
    leaving.set(key, entry);
    const done = await attempt("withdraw", () => server.remove(entry));
    if (done && leaving.get(key) === entry) leaving.delete(key);
  }

  function removeLeft(): void {
    for (const entry of leaving.values()) void remove(entry);
  }

  const renewal = timers.every(leaseMs / 3, () => {
    removeLeft();
    if (offered.size > 0) void attempt("renew", () => server.renew([...offered.values()]));
    if (server.silentExpiry && server.connected) expire();
  });

  function expire(): void {
    const oldest = clock.now() - leaseMs;
    for (const [service, { seen }] of known) {
      let gone = 0;
      for (const [id, { renewedAt }] of seen) if (renewedAt < oldest && seen.delete(id)) gone++;
      if (gone > 0) show(service);
    }
  }

  function show(service: string): void {
    const seen = known.get(service)?.seen;
    if (seen)
      table.set(
        service,
        [...seen.values()].map(({ instance }) => instance),
      );
  }

  /** Takes an entry in; tells whether that changes anything. */
  function take(seen: Map<string, Seen>, id: string, text: string): boolean {
    const before = seen.get(id);
    if (before?.text === text) {
      before.renewedAt = clock.now();
      return false;
    }
    try {
      seen.set(id, { text, instance: readInstance(text), renewedAt: clock.now() });
      return true;
    } catch (error) {
      log.warn(`the registry holds an instance ${id} that makes no sense; it is ignored`, { error });
      return false;
    }
  }

  /** Asks for everything anew. What is gone stays until its lease ends, for its owner may not have been able to renew it. */
  async function refresh(service: string, first: boolean): Promise<void> {
    const seen = known.get(service)?.seen;
    if (!seen) return;
    const listed = await server.list(service);
    if (!server.silentExpiry || first) {
      const ids = new Set(listed.map(({ id }) => id));
      for (const id of seen.keys()) if (!ids.has(id)) seen.delete(id);
    } else for (const entry of seen.values()) entry.renewedAt = clock.now();
    for (const { id, text } of listed) take(seen, id, text);
    show(service);
  }

  function open(service: string): Known {
    const seen = new Map<string, Seen>();
    const close = server.listen(service, {
      put: (id, text) => void (take(seen, id, text) && show(service)),
      removed: (id) => void (seen.delete(id) && show(service)),
      missed() {
        removeLeft();
        void attempt("list", () => refresh(service, false));
      },
    });
    const one = { seen, close, watchers: 0 };
    known.set(service, one);
    return one;
  }

  async function register(instance: Instance): Promise<Registration> {
    const entry = { service: instance.service, id: instance.id, text: writeInstance(instance) };
    const before = offered.get(entry.id);
    offered.set(entry.id, entry);
    leaving.delete(`${entry.service} ${entry.id}`);
    if (before && before.service !== entry.service) await remove(before);
    await attempt("register", () => server.put(entry));
    return {
      async withdraw() {
        if (offered.get(entry.id) !== entry) return;
        offered.delete(entry.id);
        await remove(entry);
      },
    };
  }

  async function watch(service: string, listener: (snapshot: readonly Instance[]) => void) {
    const one = known.get(service) ?? open(service);
    one.watchers++;
    await attempt("watch", async () => {
      await one.close;
      await refresh(service, one.watchers === 1);
    });
    const end = table.watch(service, listener);
    let closed = false;
    return {
      async close() {
        if (closed) return;
        closed = true;
        end();
        if (--one.watchers > 0) return;
        known.delete(service);
        await one.close.then((stop) => stop()).catch(() => undefined);
      },
    };
  }

  return {
    api: {
      register,
      watch,
      async services() {
        let names: readonly string[] = table.services();
        await attempt("list", async () => {
          names = await server.services();
        });
        return [...names].sort();
      },
    },
    async stop() {
      renewal.cancel();
      const own = [...offered.values(), ...leaving.values()];
      offered.clear();
      leaving.clear();
      await Promise.allSettled(own.map((entry) => server.remove(entry)));
      await server.close();
    },
  };
}
