import assert from "node:assert/strict";
import { type VirtualPorts, virtualPorts } from "../testing/virtual-ports.ts";
import type { CoreConfig, UseValue } from "./config.ts";
import { pluginEntry } from "./definitions.ts";
import type { KernelErrorCode } from "./errors.ts";
import { type Applied, createKernel, type Kernel, type KernelOptions, type Refused } from "./kernel.ts";
import type { Deps, Needs } from "./needs.ts";
import { definePlugin, type Log, type Plugin, type Running, type Setup } from "./plugin.ts";
import type { Schema } from "./schema.ts";
import type { Spi } from "./spi.ts";

/** What an actor does where it differs from starting and stopping at once. */
export interface Acts<N extends Needs> {
  readonly needs?: N;
  readonly options?: Schema;
  readonly exclusive?: boolean;
  readonly setup?: (setup: Setup<N, unknown>) => unknown;
  readonly stop?: () => void | Promise<void>;
  readonly follow?: (deps: Deps<N>) => Awaited<ReturnType<NonNullable<Running<Actor>["follow"]>>>;
}

/** The api of an actor: shows whether it still runs, and what it was given. */
export interface Actor {
  readonly name: string;
  running: boolean;
  readonly deps: Readonly<Record<string, unknown>>;
  readonly options: unknown;
}

/** A stage on which actors start and stop, in time that stands still. */
export interface Stage {
  readonly ports: VirtualPorts;
  /** What happened, in order: `+bus/nats` started, `-bus/nats` stopped. */
  readonly events: string[];
  readonly logged: string[];
  readonly actor: <const N extends Needs = Record<never, never>>(
    spi: Spi<Actor>,
    name: string,
    acts?: Acts<N>,
  ) => Plugin;
  readonly kernel: (plugins: readonly Plugin[], options?: Partial<KernelOptions>) => Kernel;
  /** Applies and waits for everything; fails unless it is accepted. */
  readonly apply: (kernel: Kernel, use: Use, options?: CoreConfig["options"]) => Promise<Applied>;
  /** Applies; fails unless it is refused with this code. */
  readonly refuse: (
    kernel: Kernel,
    use: Use,
    code: KernelErrorCode,
    options?: CoreConfig["options"],
  ) => Promise<Refused>;
  /** The events since the last time. */
  readonly news: () => string;
}

export type Use = Readonly<Record<string, UseValue>>;

export function stage(): Stage {
  const ports = virtualPorts();
  const events: string[] = [];
  const logged: string[] = [];
  let told = 0;
  const write = (message: string) => void logged.push(message);
  const log: Log = { debug: write, info: write, warn: write, error: write };
  return {
    ports,
    events,
    logged,
    actor: (spi, name, acts = {}) => actor(spi, name, acts, events),
    kernel: (plugins, options) =>
      createKernel({ catalogue: plugins.map((one) => pluginEntry(one)), ports, log, ...options }),
    async apply(kernel, use, options = {}) {
      const result = await ports.settle(kernel.apply({ use, options }));
      if (!result.ok) throw result.error;
      await ports.settle(result.settled);
      return result;
    },
    async refuse(kernel, use, code, options = {}) {
      const result = await ports.settle(kernel.apply({ use, options }));
      assert.ok(!result.ok, `expected a refusal with ${code}`);
      assert.equal(result.error.code, code, result.error.message);
      return result;
    },
    news() {
      const fresh = events.slice(told);
      told = events.length;
      return fresh.join(" ");
    },
  };
}

function actor<N extends Needs>(spi: Spi<Actor>, name: string, acts: Acts<N>, events: string[]): Plugin {
  const { needs, options, exclusive = false, follow } = acts;
  return definePlugin<Actor, N, unknown>({
    spi,
    name,
    description: "",
    exclusive,
    ...(needs && { needs }),
    ...(options && { options }),
    async setup(given) {
      await acts.setup?.(given);
      events.push(`+${spi.id}/${name}`);
      const api: Actor = { name, running: true, deps: given.deps as Actor["deps"], options: given.options };
      return {
        api,
        ...(follow && { follow }),
        async stop() {
          await acts.stop?.();
          api.running = false;
          events.push(`-${spi.id}/${name}`);
        },
      };
    },
  });
}
