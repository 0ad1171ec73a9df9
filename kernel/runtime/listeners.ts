import type { Exposure, Listener, Protocol } from "../spi/protocol.ts";
import type { Named } from "./parts.ts";

/** The listeners of a process, one per protocol. */
export interface Listeners {
  /** By protocol. */
  readonly addresses: ReadonlyMap<string, string>;
  /**
   * Listens on every protocol that is new or has been replaced. Rejects if one cannot, and then listens as before. A
   * listener that is in the way of its successor (on a fixed port) is closed first, within `graceMs`.
   */
  prepare(protocols: Named<Protocol>, exposure: Exposure, graceMs: number): Promise<PreparedListeners>;
  /** Offers something else from now on. */
  update(exposure: Exposure): Promise<void>;
  close(graceMs: number): Promise<void>;
}

export interface PreparedListeners {
  /** Makes what was prepared the listeners of the process; gives those that are not wanted any more. */
  commit(): readonly Listener[];
  undo(): Promise<void>;
}

interface Listening {
  readonly protocol: Protocol;
  readonly listener: Listener;
}

export function listeners(): Listeners {
  let current: ReadonlyMap<string, Listening> = new Map();

  /** Listens in the place of a listener that had to be closed, or goes back to that. */
  async function instead(before: Listening, name: string, protocol: Protocol, exposure: Exposure, graceMs: number) {
    await before.listener.close(graceMs);
    try {
      return await protocol.listen(exposure);
    } catch (error) {
      const again = { protocol: before.protocol, listener: await before.protocol.listen(exposure) };
      current = new Map([...current, [name, again]]);
      throw error;
    }
  }

  async function listen(name: string, protocol: Protocol, exposure: Exposure, graceMs: number): Promise<Listening> {
    const before = current.get(name);
    const listener = await protocol.listen(exposure).catch((error: unknown) => {
      if (before) return instead(before, name, protocol, exposure, graceMs);
      throw error;
    });
    return { protocol, listener };
  }

  return {
    get addresses() {
      return new Map([...current].map(([name, { listener }]) => [name, listener.address]));
    },
    async prepare(protocols, exposure, graceMs) {
      const fresh = new Map<string, Listening>();
      const undo = () => closeAll([...fresh.values()], graceMs);
      for (const [name, protocol] of protocols) {
        if (current.get(name)?.protocol === protocol) continue;
        try {
          fresh.set(name, await listen(name, protocol, exposure, graceMs));
        } catch (error) {
          await undo();
          throw error;
        }
      }
      return {
        commit() {
          const next = new Map([...protocols.keys()].map((name) => [name, fresh.get(name) ?? current.get(name)]));
          const kept = new Set([...next.values()]);
          const retired = [...current.values()].filter((one) => !kept.has(one));
          current = next as Map<string, Listening>; // what is not fresh was there before
          return retired.map(({ listener }) => listener);
        },
        undo,
      };
    },
    async update(exposure) {
      await Promise.all([...current.values()].map(async ({ listener }) => listener.update(exposure)));
    },
    async close(graceMs) {
      const all = [...current.values()];
      current = new Map();
      await closeAll(all, graceMs);
    },
  };
}

async function closeAll(all: readonly Listening[], graceMs: number): Promise<void> {
  await Promise.all(all.map(({ listener }) => listener.close(graceMs)));
}
