import type { Log, Ports } from "@mortise/kernel";
import type { LeasedEntry, LeasedServer } from "@mortise/kernel/spi/leased-registry";
import type { ZooKeeperDriver } from "@mortise/kernel/zookeeper/driver";
import { type SessionOptions, zooKeeperSessions } from "@mortise/kernel/zookeeper/session";
import { type Followed, followed } from "./followed.ts";
import { zooKeeperNodes } from "./nodes.ts";

export interface ZooKeeperOptions extends SessionOptions {
  readonly root: string;
}

/** Keeps instances in ephemeral nodes, which end with the session of the process. */
export async function zooKeeperServer(
  driver: ZooKeeperDriver,
  options: ZooKeeperOptions,
  ports: Pick<Ports, "clock" | "timers">,
  log: Log,
): Promise<LeasedServer> {
  const following = new Map<string, Followed>();
  /** What this process has put, and in which session; 0: not yet. */
  const kept = new Map<string, { readonly entry: LeasedEntry; readonly session: number }>();
  const keyOf = ({ service, id }: LeasedEntry) => `${service}/${id}`;
  const later = (error: unknown) => log.debug("registry/zookeeper: tried again once connected", { error });

  const sessions = await zooKeeperSessions(driver, options, ports, log, () => void onConnected());
  const nodes = zooKeeperNodes(driver, sessions, options.root, options.user !== undefined);

  async function onConnected(): Promise<void> {
    const own = Array.from(kept.values(), ({ entry }) => entry);
    await Promise.all([restore(own), ...Array.from(following.values(), (one) => one.look())]).catch(later);
  }

  async function put(entry: LeasedEntry): Promise<void> {
    const key = keyOf(entry);
    kept.set(key, { entry, session: 0 });
    const session = sessions.number;
    await nodes.put(entry);
    const now = kept.get(key)?.entry;
    if (now === entry) kept.set(key, { entry, session });
    else if (!now) await remove(entry); // withdrawn meanwhile
  }

  async function remove(entry: LeasedEntry): Promise<void> {
    kept.delete(keyOf(entry));
    await nodes.remove(entry);
  }

  /** Puts again what another session has put, which is over. */
  async function restore(entries: readonly LeasedEntry[]): Promise<void> {
    const lacking = entries.filter((entry) => kept.get(keyOf(entry))?.session !== sessions.number);
    await Promise.all(lacking.map(put));
  }

  return {
    silentExpiry: false,
    get connected() {
      return sessions.connected;
    },
    put,
    remove,
    renew: restore,
    async list(service) {
      const one = following.get(service);
      await one?.look();
      return one?.entries() ?? [];
    },
    services: nodes.services,
    async listen(service, listener) {
      const one = followed(nodes, service, listener, later);
      following.set(service, one);
      await one.look().catch(later);
      return async () => {
        if (following.get(service) === one) following.delete(service);
        one.stop();
      };
    },
    close: sessions.close,
  };
}
