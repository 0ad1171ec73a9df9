import type { Instance, Log, Ports, Registration, Registry, Running, Snapshot, Watch } from "@mortise/kernel";
import { instanceTable } from "@mortise/kernel/spi/instance-table";
import { insisting } from "./insisting.ts";
import { type Member, type MemberOptions, membersOf } from "./members.ts";

export interface MultiOptions {
  readonly registries: Readonly<Record<string, MemberOptions>>;
  readonly waitMs: number;
  readonly retryMs: number;
}

/** What the registries know of one service while it is watched. */
interface Known {
  /** By registry. */
  readonly found: Map<Member, Snapshot>;
  readonly watches: readonly { end(): Promise<void> }[];
  /** Settles when all registries have answered, or when waiting for one has taken too long. */
  readonly ready: Promise<void>;
  watchers: number;
}

/**
 * A registry over several: registers in all of them and shows what any of them knows, each instance once. One that is down
 * is asked again in the background, while the others serve.
 */
export function multiRegistry(
  others: ReadonlyMap<string, Registry>,
  options: MultiOptions,
  ports: Ports,
  log: Log,
): Running<Registry> {
  const members = membersOf(others, options.registries);
  const registering = members.filter((member) => member.options.register);
  const discovering = members.filter((member) => member.options.discover);
  const table = instanceTable((error) => log.error("a listener of the registry failed", { error }));
  const known = new Map<string, Known>();
  const registered = new Set<Registration>();
  const insist = insisting(options, ports, log);

  function merge(service: string, found: ReadonlyMap<Member, Snapshot>): void {
    const byId = new Map<string, Instance>();
    for (const member of discovering) {
      for (const instance of found.get(member) ?? [])
        if (!byId.has(instance.id)) byId.set(instance.id, member.shown(instance));
    }
    table.set(service, byId.values());
  }

  function open(service: string): Known {
    const found = new Map<Member, Snapshot>();
    const watches = discovering.map((member) => {
      const hear = (snapshot: Snapshot) => {
        found.set(member, snapshot);
        if (known.get(service)?.found === found) merge(service, found);
      };
      return insist<Watch>(
        `${member.name} does not tell where ${service} runs`,
        () => member.registry.watch(service, hear),
        (watch) => watch.close(),
      );
    });
    const one: Known = { found, watches, ready: insist.all(watches), watchers: 0 };
    known.set(service, one);
    merge(service, found); // some answer at once
    return one;
  }

  async function register(instance: Instance): Promise<Registration> {
    const entries = registering.map(({ name, registry }) =>
      insist<Registration>(
        `${instance.service} cannot be registered in ${name}`,
        () => registry.register(instance),
        (registration) => registration.withdraw(),
      ),
    );
    const registration = {
      async withdraw() {
        registered.delete(registration);
        await Promise.all(entries.map((entry) => entry.end()));
      },
    };
    registered.add(registration);
    await insist.all(entries);
    return registration;
  }

  async function watch(service: string, listener: (snapshot: Snapshot) => void): Promise<Watch> {
    const one = known.get(service) ?? open(service);
    one.watchers++;
    await one.ready;
    const end = table.watch(service, listener);
    let closed = false;
    return {
      async close() {
        if (closed) return;
        closed = true;
        end();
        if (--one.watchers > 0) return;
        known.delete(service);
        table.set(service, []);
        await Promise.all(one.watches.map((watch) => watch.end()));
      },
    };
  }

  return {
    api: {
      register,
      watch,
      async services() {
        const all = await Promise.allSettled(discovering.map(({ registry }) => registry.services()));
        return [...new Set(all.flatMap((one) => (one.status === "fulfilled" ? one.value : [])))].sort();
      },
    },
    async stop() {
      await Promise.all([...registered].map((registration) => registration.withdraw()));
      await Promise.all([...known.values()].flatMap(({ watches }) => watches.map((watch) => watch.end())));
      known.clear();
    },
  };
}
