import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import { type VirtualPorts, virtualPorts } from "../testing/virtual-ports.ts";
import type { CoreConfig } from "./config.ts";
import { pluginEntry } from "./definitions.ts";
import { createKernel, type Kernel } from "./kernel.ts";
import { every, type LiveHandle, live, type Need, type Needs, named, optional } from "./needs.ts";
import { plan } from "./plan.ts";
import { definePlugin, type Plugin } from "./plugin.ts";
import { defineSpi, type Spi } from "./spi.ts";

/** A random system: extension points, three plugins for each, with random needs. */
export interface Blueprint {
  readonly plugins: readonly PluginPrint[];
}

export interface PluginPrint {
  readonly spi: number;
  readonly name: string;
  readonly needs: readonly NeedPrint[];
  readonly startMs: number;
  readonly stopMs: number;
}

interface NeedPrint {
  readonly kind: "plain" | "every" | "named" | "optional" | "live" | "liveEvery" | "liveOptional";
  readonly spi: number;
}

/** What is selected: names per extension point, and a number per plugin that stands for its options. */
export interface Choice {
  readonly use: readonly (readonly string[])[];
  readonly versions: Readonly<Record<string, number>>;
}

const spiCount = 5;
const names = ["a", "b", "c"];

/** Needs lead to extension points of a lower number, live ones anywhere, so that no circle is forbidden. */
function needs(spi: number): fc.Arbitrary<readonly NeedPrint[]> {
  const hard = fc.constantFrom("plain", "every", "named", "optional");
  const soft = fc.constantFrom("live", "liveEvery", "liveOptional");
  const lower = fc.record<NeedPrint>({ kind: hard, spi: fc.nat(Math.max(0, spi - 1)) });
  const any = fc.record<NeedPrint>({ kind: soft, spi: fc.nat(spiCount - 1) });
  const both = [fc.array(lower, { maxLength: spi === 0 ? 0 : 2 }), fc.array(any, { maxLength: 2 })] as const;
  return fc.tuple(...both).map(([a, b]) => [...a, ...b]);
}

const print = (spi: number, name: string): fc.Arbitrary<PluginPrint> =>
  fc.record({
    spi: fc.constant(spi),
    name: fc.constant(name),
    needs: needs(spi),
    startMs: fc.nat(20),
    stopMs: fc.nat(20),
  });

export const blueprints: fc.Arbitrary<Blueprint> = fc
  .tuple(...Array.from({ length: spiCount }, (_, spi) => fc.tuple(...names.map((name) => print(spi, name)))))
  .map((rows) => ({ plugins: rows.flat() }));

const ids = Array.from({ length: spiCount }, (_, spi) => names.map((name) => `spi-${spi}/${name}`)).flat();

export const choices: fc.Arbitrary<Choice> = fc.record({
  use: fc.array(fc.uniqueArray(fc.constantFrom(...names)), { minLength: spiCount, maxLength: spiCount }),
  versions: fc.record(Object.fromEntries(ids.map((id) => [id, fc.nat(2)]))),
});

/** The api of every plugin of such a system. */
export interface Part {
  readonly id: string;
  running: boolean;
  readonly deps: Readonly<Record<string, unknown>>;
}

/** A blueprint brought to life. */
export interface Built {
  readonly ports: VirtualPorts;
  readonly kernel: Kernel;
  readonly spis: readonly Spi<Part>[];
  /** Ids of what runs, sorted. */
  running(): string[];
  /** What a configuration should end in, sorted; nothing if it must be refused. */
  expected(choice: Choice): string[] | undefined;
  /** Makes a start fail or hang from now on; the others are as in the blueprint. */
  sabotage(id: string | undefined, way: "fails" | "hangs"): void;
}

export interface BuildOptions {
  /** Ids of plugins that are exclusive. */
  readonly exclusive?: readonly string[];
}

export function configOf({ use, versions }: Choice): CoreConfig {
  const used = use.flatMap((list, spi) => (list.length > 0 ? [[`spi-${spi}`, list] as const] : []));
  const options = Object.entries(versions).map(([id, version]) => [id, { version }]);
  return { use: Object.fromEntries(used), options: Object.fromEntries(options) };
}

/** Builds it, with plugins that check at every start and stop that all they stand on runs. */
export function build({ plugins: prints }: Blueprint, { exclusive = [] }: BuildOptions = {}): Built {
  const ports = virtualPorts();
  const parts = new Set<Part>();
  const bad = { id: "", way: "fails" };
  const spis = Array.from({ length: spiCount }, (_, spi) =>
    defineSpi<Part>(`spi-${spi}`, { kind: "named", fallback: "a" }),
  );
  const start = async (id: string, ms: number, signal: AbortSignal) => {
    await ports.timers.sleep(ms);
    if (bad.id !== id) return;
    if (bad.way === "fails") throw new Error("sabotaged");
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  };
  const make = ({ spi, name, needs, startMs, stopMs }: PluginPrint): Plugin => {
    const id = `spi-${spi}/${name}`;
    return definePlugin<Part, Needs, { version: number }>({
      spi: spis[spi] as Spi<Part>,
      name,
      description: "",
      needs: Object.fromEntries(needs.map((need, index) => [`${need.kind}${index}`, needOf(need, spis)])),
      options: z.object({ version: z.number() }),
      exclusive: exclusive.includes(id),
      async setup({ deps, signal }) {
        assertStanding(id, deps);
        await start(id, startMs, signal);
        const part: Part = { id, running: true, deps: deps as Part["deps"] };
        parts.add(part);
        const stop = async () => {
          assertStanding(id, deps);
          await ports.timers.sleep(stopMs);
          assertStanding(id, deps);
          part.running = false;
        };
        return { api: part, stop };
      },
    });
  };
  const plugins = prints.map(make);
  return {
    ports,
    kernel: createKernel({ catalogue: plugins.map((plugin) => pluginEntry(plugin)), ports, startTimeoutMs: 1_000 }),
    spis,
    running: () =>
      [...parts]
        .filter(({ running }) => running)
        .map(({ id }) => id)
        .sort(),
    expected(choice) {
      const planned = plan(plugins, configOf(choice)).plan;
      return planned && [...planned.steps.keys()].sort();
    },
    sabotage: (id = "", way) => Object.assign(bad, { id, way }),
  };
}

function needOf({ kind, spi }: NeedPrint, spis: readonly Spi<Part>[]): Need {
  const token = spis[spi] as Spi<Part>;
  const ways: Record<NeedPrint["kind"], () => Need> = {
    plain: () => token,
    every: () => every(token),
    named: () => named(token, "a"),
    optional: () => optional(token),
    live: () => live(token),
    liveEvery: () => live(every(token)),
    liveOptional: () => live(optional(token)),
  };
  return ways[kind]();
}

/** The parts behind what a need was given. */
export function partsOf(given: unknown): Part[] {
  if (given === undefined) return [];
  return given instanceof Map ? [...given.values()] : [given as Part];
}

function assertStanding(id: string, deps: Readonly<Record<string, unknown>>): void {
  for (const [name, given] of Object.entries(deps)) {
    if (name.startsWith("live")) continue;
    for (const part of partsOf(given))
      assert.ok(part.running, `${id} starts or stops while its ${part.id} does not run`);
  }
}

/** Reads all live handles of a part, as work would. */
export function liveParts({ deps }: Part): Part[] {
  const handles = Object.entries(deps).filter(([name]) => name.startsWith("live"));
  return handles.flatMap(([, handle]) => partsOf((handle as LiveHandle<unknown>).current));
}
