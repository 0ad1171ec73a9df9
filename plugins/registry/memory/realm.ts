import type { Instance, Registry } from "@mortise/kernel";
import { instanceTable } from "@mortise/kernel/spi/instance-table";

/** Registries that see each other. */
export interface Realm {
  /** One more registry of this realm. `stop` withdraws what was registered through it and ends its watches. */
  join(): { readonly api: Registry; stop(): void };
  readonly members: number;
}

export function realm(failed: (error: unknown) => void): Realm {
  const table = instanceTable(failed);
  const byId = new Map<string, Instance>();
  const byService = new Map<string, Map<string, Instance>>();
  let members = 0;

  function add(instance: Instance): void {
    byId.set(instance.id, instance);
    const peers = byService.get(instance.service) ?? new Map<string, Instance>();
    byService.set(instance.service, peers.set(instance.id, instance));
    table.set(instance.service, peers.values());
  }

  function remove({ id, service }: Instance): void {
    byId.delete(id);
    const peers = byService.get(service);
    peers?.delete(id);
    if (peers?.size === 0) byService.delete(service);
    table.set(service, peers?.values() ?? []);
  }

  /** Returns how to take it back. */
  function put(given: Instance): () => void {
    const instance: Instance = Object.freeze({ ...given });
    const before = byId.get(instance.id);
    if (before && before.service !== instance.service) remove(before);
    add(instance);
    return () => {
      if (byId.get(instance.id) === instance) remove(instance);
    };
  }

  function join(): { api: Registry; stop(): void } {
    members++;
    const undo = new Set<() => void>();
    const once = (end: () => void) => {
      undo.add(end);
      return async () => {
        if (undo.delete(end)) end();
      };
    };
    return {
      api: {
        register: async (instance) => ({ withdraw: once(put(instance)) }),
        watch: async (service, listener) => ({ close: once(table.watch(service, listener)) }),
        services: async () => table.services(),
      },
      stop() {
        members--;
        for (const end of [...undo]) end();
        undo.clear();
      },
    };
  }

  return {
    join,
    get members() {
      return members;
    },
  };
}
