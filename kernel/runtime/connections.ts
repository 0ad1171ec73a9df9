import type { Log } from "../core/plugin.ts";
import type { ServiceView } from "../spi/directory.ts";
import type { Instance } from "../spi/instance.ts";
import type { Connection, Protocol } from "../spi/protocol.ts";

/** Connections to the instances of one service, opened on first use and closed when their instance is gone. */
export interface Connections {
  /** The connection to an instance by a protocol; the same while the instance is there. */
  to(instance: Instance, protocol: Protocol): Connection;
  /** Closes what was opened by protocols that serve no longer. */
  keepOnly(protocols: ReadonlySet<Protocol>): Promise<void>;
  close(): Promise<void>;
}

/** @param graceMs how long calls in flight may take to end when a connection is closed */
export function connectionsTo(view: ServiceView, graceMs: number, log: Log): Connections {
  const open = new Map<Protocol, Map<Instance, Connection>>();
  const forget = view.onChange(() => {
    const there = new Set(view.instances);
    void closeIf((instance) => !there.has(instance));
  });

  async function closeIf(gone: (instance: Instance, protocol: Protocol) => boolean): Promise<void> {
    const closing: Promise<void>[] = [];
    for (const [protocol, byInstance] of open) {
      for (const [instance, connection] of byInstance) {
        if (!gone(instance, protocol)) continue;
        byInstance.delete(instance);
        closing.push(closed(instance, connection));
      }
      if (byInstance.size === 0) open.delete(protocol);
    }
    await Promise.all(closing);
  }

  async function closed({ address }: Instance, connection: Connection): Promise<void> {
    try {
      await connection.close(graceMs);
    } catch (error) {
      log.warn(`the connection to ${view.service} at ${address} did not close`, { error: String(error) });
    }
  }

  return {
    to(instance, protocol) {
      const byInstance = open.get(protocol) ?? new Map<Instance, Connection>();
      const known = byInstance.get(instance);
      if (known) return known;
      const connection = protocol.connect(instance);
      open.set(protocol, byInstance.set(instance, connection));
      return connection;
    },
    keepOnly: (protocols) => closeIf((_, protocol) => !protocols.has(protocol)),
    close() {
      forget();
      return closeIf(() => true);
    },
  };
}
