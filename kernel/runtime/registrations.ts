import type { Log } from "../core/plugin.ts";
import type { Timers } from "../core/ports.ts";
import type { Instance } from "../spi/instance.ts";
import { sameInstance } from "../spi/instance-table.ts";
import type { Registration, Registry } from "../spi/registry.ts";

export interface RegistrationsOptions {
  /** Wait before a registry that refused is asked again, in milliseconds. */
  readonly retryMs: number;
  /** How long a start waits for the registry; registering then goes on in the background. In milliseconds. */
  readonly waitMs: number;
}

/** Keeps instances registered, also at a registry that is down for a while. */
export interface Registrations {
  /**
   * Resolves when others can see the instance, or when waiting for that has taken too long. One with the same id is replaced;
   * one that is there already is left as it is.
   */
  add(registry: Registry, instance: Instance): Promise<void>;
  /** Those the condition holds for now, to be taken back now or later. */
  select(condition: (instance: Instance, registry: Registry) => boolean): { withdraw(): Promise<void> };
}

interface Entry {
  readonly registry: Registry;
  readonly instance: Instance;
  withdraw(): Promise<void>;
}

export function registrations(options: RegistrationsOptions, timers: Timers, log: Log): Registrations {
  const entries = new Set<Entry>();

  async function keepTrying(
    registry: Registry,
    instance: Instance,
    signal: AbortSignal,
  ): Promise<Registration | undefined> {
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        return await registry.register(instance);
      } catch (error) {
        log[attempt === 1 ? "warn" : "debug"](`${instance.service} cannot be registered; trying again`, {
          attempt,
          error: String(error),
        });
        await timers.sleep(options.retryMs, signal).catch(() => undefined);
      }
    }
    return undefined;
  }

  async function drop(gone: readonly Entry[]): Promise<void> {
    for (const entry of gone) entries.delete(entry);
    await Promise.all(
      gone.map(async (entry) => {
        try {
          await entry.withdraw();
        } catch (error) {
          log.warn(`the registration of ${entry.instance.service} cannot be taken back`, { error: String(error) });
        }
      }),
    );
  }

  return {
    async add(registry, instance) {
      const before = [...entries].find((one) => one.registry === registry && one.instance.id === instance.id);
      if (before && sameInstance(before.instance, instance)) return;
      const ending = new AbortController();
      let registered: Registration | undefined;
      const registering = keepTrying(registry, instance, ending.signal).then((registration) => {
        registered = registration;
        if (ending.signal.aborted) registration?.withdraw().catch(() => undefined); // it came through after it was no longer wanted
      });
      entries.add({
        registry,
        instance,
        async withdraw() {
          ending.abort();
          await registered?.withdraw();
        },
      });
      const waited = new AbortController();
      await Promise.race([registering, timers.sleep(options.waitMs, waited.signal).catch(() => undefined)]);
      waited.abort();
      if (before) await drop([before]);
    },
    select(condition) {
      const chosen = [...entries].filter(({ instance, registry }) => condition(instance, registry));
      return { withdraw: () => drop(chosen) };
    },
  };
}
