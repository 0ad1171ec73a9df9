// What the kernel adds to the start of 50 plugins that are loaded already: `npm run bench -- kernel`, as data with --json. Every
// figure is the first of its process, before anything is compiled; fails above 50 ms.
import { execFileSync } from "node:child_process";
import { createKernel, pluginEntry } from "@mortise/kernel";
import { crowd, crowdConfig } from "../kernel/core/crowd.fixture.ts";

const processes = 9;
const limitMs = 50;

/** Milliseconds to plan and start all, to swap one, to apply what already runs, and to stop all. */
interface Times {
  readonly start: number;
  readonly swap: number;
  readonly same: number;
  readonly stop: number;
}

async function measure(): Promise<Times> {
  const kernel = createKernel({ catalogue: crowd.map((plugin) => pluginEntry(plugin)) });
  const timed = async (work: () => Promise<unknown>) => {
    const began = performance.now();
    await work();
    return performance.now() - began;
  };
  const apply = async (size: number) => {
    const result = await kernel.apply(crowdConfig(size));
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
    return { name, plugins: crowd.length, medianMs: median(times), worstMs: Math.max(...times) };
  });
  if (process.argv.includes("--json")) console.log(JSON.stringify({ bench: "kernel", processes, limitMs, figures }));
  else {
    console.log(`kernel with ${crowd.length} plugins, milliseconds, ${processes} fresh processes`);
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
