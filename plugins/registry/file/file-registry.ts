import { hostname } from "node:os";
import { resolve } from "node:path";
import type { Instance, Log, Ports, Registration, Registry, Running, Timer } from "@mortise/kernel";
import { processIdentity } from "@mortise/kernel/processes/identity";
import { instanceTable } from "@mortise/kernel/spi/instance-table";
import { directory } from "./directory.ts";
import { ownFile } from "./own-file.ts";

export interface FileRegistryOptions {
  readonly dir: string;
  readonly pollMs: number;
  readonly leaseMs: number;
}

/** Shares instances through a directory: every owner writes a file of its own and looks at those of the others. */
export function fileRegistry(
  { dir: given, pollMs, leaseMs }: FileRegistryOptions,
  { clock, timers, ids }: Ports,
  log: Log,
): Running<Registry> {
  const dir = resolve(given);
  const identity = processIdentity(process.pid);
  const owner = identity === undefined ? { host: "", process: "" } : { host: hostname(), process: identity };
  const ours = ownFile(dir, `${process.pid}-${ids.uuid()}`, owner, clock);
  const all = directory(dir, hostname(), leaseMs, clock, log);
  const table = instanceTable((error) => log.error("a listener of registry/file failed", { error }));
  const offered = new Map<string, Instance>();
  const open = new Set<() => void>();
  const lease = repeated(timers, leaseMs / 3, () => ours.renew(), log);
  const poll = repeated(timers, pollMs, refresh, log);

  /** Costs as much as there are owners, and as what has changed. */
  async function refresh(): Promise<void> {
    for (const service of await all.look()) {
      const byId = new Map(all.instances(service).map((instance) => [instance.id, instance]));
      table.set(service, byId.values());
    }
  }

  async function register(instance: Instance): Promise<Registration> {
    const known = { ...instance };
    offered.set(known.id, known);
    lease.start();
    await ours.write([...offered.values()]);
    return {
      async withdraw() {
        if (offered.get(known.id) !== known) return;
        offered.delete(known.id);
        if (offered.size === 0) lease.stop();
        await ours.write([...offered.values()]);
      },
    };
  }

  async function watch(service: string, listener: (snapshot: readonly Instance[]) => void) {
    await refresh();
    const end = table.watch(service, listener);
    open.add(end);
    poll.start();
    return {
      async close() {
        end();
        open.delete(end);
        if (open.size === 0) poll.stop();
      },
    };
  }

  return {
    api: {
      register,
      watch,
      async services() {
        await refresh();
        return table.services();
      },
    },
    async stop() {
      poll.stop();
      lease.stop();
      for (const end of open) end();
      offered.clear();
      await ours.write([]);
    },
  };
}

/** Work that is done again and again between `start` and `stop`, never twice at the same time; failures are logged. */
function repeated(timers: Ports["timers"], everyMs: number, work: () => Promise<void>, log: Log) {
  let timer: Timer | undefined;
  let busy = false;

  async function run(): Promise<void> {
    if (busy) return;
    busy = true;
    try {
      await work();
    } catch (error) {
      log.error("registry/file cannot use its directory", { error });
    } finally {
      busy = false;
    }
  }

  return {
    start() {
      timer ??= timers.every(everyMs, () => void run());
    },
    stop() {
      timer?.cancel();
      timer = undefined;
    },
  };
}
