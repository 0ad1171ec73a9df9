// What the kernel adds to the start of 50 plugins that are loaded already: `npm run bench -- kernel`, as data with --json. Every
// figure is the first of its process, before anything is compiled; fails above 50 ms.
import { execFileSync } from "node:child_process";
import {
  type CoreConfig,
  createKernel,
  definePlugin,
  defineSpi,
  every,
  live,
  type Needs,
  pluginEntry,
} from "@mortise/kernel";
import { z } from "zod";

const processes = 9;
const spis = 10;
const perSpi = 5;
const limitMs = 50;

/** Milliseconds to plan and start all, to swap one, to apply what already runs, and to stop all. */
interface Times {
  readonly start: number;
  readonly swap: number;
  readonly same: number;
  readonly stop: number;
}

type Api = Readonly<Record<string, unknown>>;

function plugins() {
  const tokens = Array.from({ length: spis }, (_, index) => defineSpi<Api>(`spi-${index}`, { kind: "named" }));
  return tokens.flatMap((spi, level) =>
    Array.from({ length: perSpi }, (_, index) => {
      const below = tokens.slice(Math.max(0, level - 3), level);
      const needs: Needs = Object.fromEntries(
        below.map((token, at) => [`need${at}`, at === 0 ? token : at === 1 ? every(token) : live(every(token))]),
      );
      return definePlugin<Api, Needs, unknown>({
        spi,
        name: `plugin-${index}`,
        description: "Does nothing.",
        needs,
        options: z.object({
          port: z.number().int().min(0).max(65_535).default(0),
          host: z.string().default("127.0.0.1"),
          tls: z.object({ cert: z.string(), key: z.string() }).optional(),
          size: z.number().default(1),
        }),
        setup: ({ deps }) => ({ api: deps, stop: () => undefined }),
      });
    }),
  );
}

function config(size: number): CoreConfig {
  const names = Array.from({ length: perSpi }, (_, index) => `plugin-${index}`);
  const use = Object.fromEntries(Array.from({ length: spis }, (_, index) => [`spi-${index}`, names]));
  const options = Object.keys(use).map((spi) => [`${spi}/plugin-0`, { port: 1024, size: spi === "spi-9" ? size : 1 }]);
  return { use, options: Object.fromEntries(options) };
}

async function measure(): Promise<Times> {
  const kernel = createKernel({ catalogue: plugins().map((plugin) => pluginEntry(plugin)) });
  const timed = async (work: () => Promise<unknown>) => {
    const began = performance.now();
    await work();
    return performance.now() - began;
  };
  const apply = async (size: number) => {
    const result = await kernel.apply(config(size));
    if (!result.ok) throw result.error;
  };
  const start = await timed(() => apply(1));
  const swap = await timed(() => apply(2));
  const same = await timed(() => apply(2));
  return { start, swap, same, stop: await timed(() => kernel.stop()) };
}

function inFreshProcess(): Times {
  const args = [...process.execArgv, import.meta.filename, "--once"];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }));
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
}

function report(): void {
  const runs = Array.from({ length: processes }, inFreshProcess);
  const figures = (["start", "swap", "same", "stop"] as const).map((name) => {
    const times = runs.map((run) => run[name]);
    return { name, plugins: spis * perSpi, medianMs: median(times), worstMs: Math.max(...times) };
  });
  if (process.argv.includes("--json")) console.log(JSON.stringify({ bench: "kernel", processes, limitMs, figures }));
  else {
    console.log(`kernel with ${spis * perSpi} plugins, milliseconds, ${processes} fresh processes`);
    for (const { name, medianMs, worstMs } of figures) {
      console.log(
        `${name.padEnd(6)} median ${medianMs.toFixed(1).padStart(6)}   worst ${worstMs.toFixed(1).padStart(6)}`,
      );
    }
  }
  if ((figures[0]?.medianMs ?? Number.POSITIVE_INFINITY) >= limitMs) {
    console.error(`The start takes ${limitMs} ms or more.`);
    process.exitCode = 1;
  }
}

if (process.argv.includes("--once")) console.log(JSON.stringify(await measure()));
else report();
