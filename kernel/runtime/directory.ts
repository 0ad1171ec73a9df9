import type { Log } from "../core/plugin.ts";
import type { Ports } from "../core/ports.ts";
import type { Directory } from "../spi/directory.ts";
import type { Registry, Watch } from "../spi/registry.ts";
import type { DirectoryCache } from "./directory-cache.ts";
import { KnownService, type ViewOptions } from "./service-view.ts";

export interface RegistryDirectoryOptions extends ViewOptions {
  /** Wait before a registry that does not answer is asked again, in milliseconds. */
  readonly retryMs: number;
}

export interface RegistryDirectorySetup {
  readonly options: RegistryDirectoryOptions;
  readonly ports: Ports;
  readonly log: Log;
  /** What earlier processes knew. */
  readonly cache: DirectoryCache | undefined;
  /** The registry that serves when the first service is asked for. */
  readonly registry: () => Registry;
}

/** A directory that follows a registry, or several one after the other. */
export interface RegistryDirectory extends Directory {
  /** Follows another registry from now on. What is known stays until that one says otherwise. */
  use(registry: Registry): Promise<void>;
  close(): Promise<void>;
}

/** Makes a directory. It asks nothing of the registry until somebody asks for a service. */
export function registryDirectory(setup: RegistryDirectorySetup): RegistryDirectory {
  const { options, ports, cache } = setup;
  const services = new Map<string, KnownService>();
  let registry: Registry | undefined;
  let watching = new Map<string, Watching>();

  function begin(service: string): KnownService {
    registry ??= setup.registry();
    const known = new KnownService(service, options, ports.timers);
    services.set(service, known);
    if (cache) remember(known, cache, setup.log);
    watching.set(service, watch(known, registry, setup));
    return known;
  }

  async function endAll(all: ReadonlyMap<string, Watching>): Promise<void> {
    await Promise.all([...all.values()].map((one) => one.end()));
  }

  return {
    view: (service) => services.get(service) ?? begin(service),
    async use(next) {
      if (registry === undefined || next === registry) return;
      registry = next;
      const before = watching;
      watching = new Map([...services].map(([name, known]) => [name, watch(known, next, setup)]));
      await endAll(before);
    },
    async close() {
      for (const known of services.values()) known.close();
      await endAll(watching);
      await cache?.close();
    },
  };
}

function remember(known: KnownService, cache: DirectoryCache, log: Log): void {
  cache.load(known.service).then(
    (snapshot) => known.remember(snapshot),
    (error: unknown) => log.warn(`what was known of ${known.service} cannot be read`, { error: String(error) }),
  );
  known.onChange(() => {
    if (known.trust === "current") cache.save(known.service, known.instances);
  });
}

/** The watch on one service at one registry. */
interface Watching {
  end(): Promise<void>;
}

/** Watches, and tries again for ever while the registry does not answer. */
function watch(known: KnownService, registry: Registry, { options, ports, log }: RegistryDirectorySetup): Watching {
  const ending = new AbortController();
  const { signal } = ending;
  const hear: Parameters<Registry["watch"]>[1] = (snapshot) => {
    if (!signal.aborted) known.hear(snapshot);
  };
  const open = async (): Promise<Watch | undefined> => {
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        return await registry.watch(known.service, hear);
      } catch (error) {
        log[attempt === 1 ? "warn" : "debug"](`the registry does not tell where ${known.service} runs; trying again`, {
          attempt,
          error: String(error),
        });
        await ports.timers.sleep(options.retryMs, signal).catch(() => undefined);
      }
    }
    return undefined;
  };
  let opened: Watch | undefined;
  const opening = open().then((watch) => {
    opened = watch;
  });
  const close = async () => {
    await opened?.close().catch((error: unknown) => log.debug("a watch did not close", { error: String(error) }));
  };
  return {
    async end() {
      ending.abort();
      if (opened) await close();
      else void opening.then(close); // a registry that does not answer holds nobody up
    },
  };
}
