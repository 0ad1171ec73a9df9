import type { Instance } from "../spi/instance.ts";
import { type InstanceTable, instanceTable } from "../spi/instance-table.ts";
import type { Registry } from "../spi/registry.ts";

/** A registry in memory that can be down, and whose list can be lost. */
export interface TableRegistry extends Registry {
  readonly table: InstanceTable;
  /** While set, it does not answer: a new watch or registration is refused. */
  down: boolean;
}

export function tableRegistry(): TableRegistry {
  const table = instanceTable((error) => {
    throw error;
  });
  const all = new Map<string, Map<string, Instance>>();
  const of = (service: string) => {
    const known = all.get(service) ?? new Map<string, Instance>();
    all.set(service, known);
    return known;
  };
  const registry: TableRegistry = {
    table,
    down: false,
    async register(instance) {
      if (registry.down) throw new Error("the registry is down");
      const instances = of(instance.service).set(instance.id, instance);
      table.set(instance.service, instances.values());
      return {
        async withdraw() {
          if (instances.get(instance.id) !== instance) return;
          instances.delete(instance.id);
          table.set(instance.service, instances.values());
        },
      };
    },
    async watch(service, listener) {
      if (registry.down) throw new Error("the registry is down");
      const close = table.watch(service, listener);
      return { close: async () => close() };
    },
    services: async () => table.services(),
  };
  return registry;
}
