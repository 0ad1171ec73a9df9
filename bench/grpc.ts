// protocol/grpc through the whole platform against bare nice-grpc with ts-proto: `npm run bench -- grpc`, as data with --json. Servers
// are processes of their own; systems take turns of a second within each round, and ratios are taken inside a round. Ours
// has the default filters on both sides and sends a deadline and a trace, the other has nothing of the kind.
import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isSame, type Order, orders } from "./grpc/order.ts";
import { connect, type Echo, type SystemName, serve } from "./grpc/systems.ts";

const short = process.argv.includes("--short");
const rounds = short ? 3 : 7;
const turnMs = short ? 400 : 1000;
const names: readonly SystemName[] = ["bare", "mortise"];

const serving = process.argv.find((argument) => argument.startsWith("--serve="));
if (serving) {
  const [name, dir] = serving.slice("--serve=".length).split(",") as [SystemName, string];
  process.send?.(await serve(name, dir));
  process.on("message", () => process.send?.(used()));
} else {
  await measure();
}

/** Starts a server in a process of its own. */
async function started(
  name: SystemName,
  dir: string,
): Promise<{ readonly child: ChildProcess; readonly where: string }> {
  const child = fork(import.meta.filename, [`--serve=${name},${dir}`], { execArgv: ["--conditions=source"] });
  const [where] = await once(child, "message");
  return { child, where };
}

/** Processor microseconds this process has used. */
function used(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

async function usedBy(child: ChildProcess): Promise<number> {
  child.send("how much");
  const [micros] = await once(child, "message");
  return micros;
}

interface Running {
  readonly echo: Echo;
  readonly child: ChildProcess;
}

interface Turn {
  readonly perSecond: number;
  /** Processor microseconds per call. */
  readonly client: number;
  readonly server: number;
}

async function turn({ echo, child }: Running, concurrency: number, ms = turnMs): Promise<Turn> {
  let calls = 0;
  const server = await usedBy(child);
  const client = used();
  const began = performance.now();
  const worker = async (first: number) => {
    for (let i = first; performance.now() - began < ms; i++) {
      const order = orders[i % orders.length] as Order;
      assert.ok(isSame(await echo(order), order));
      calls++;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, (_, i) => worker(i * 7)));
  const perSecond = (calls * 1000) / (performance.now() - began);
  return { perSecond, client: (used() - client) / calls, server: ((await usedBy(child)) - server) / calls };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

async function measure(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "mortise-bench-"));
  const systems = new Map<SystemName, Running>();
  for (const name of names) {
    const { child, where } = await started(name, dir);
    systems.set(name, { child, echo: await connect(name, where) });
  }
  const results = [];
  for (const concurrency of [1, 32, 256]) results.push(...(await compare(systems, concurrency)));
  for (const { child } of systems.values()) child.kill();
  rmSync(dir, { recursive: true, force: true });
  print(results);
  process.exit();
}

async function compare(systems: ReadonlyMap<SystemName, Running>, concurrency: number) {
  const turns = new Map(names.map((name) => [name, [] as Turn[]]));
  for (const running of systems.values()) await turn(running, concurrency, turnMs * 2); // warm-up
  for (let round = 0; round < rounds; round++) {
    for (const [name, running] of systems) turns.get(name)?.push(await turn(running, concurrency));
  }
  const bare = turns.get("bare") ?? [];
  return [...turns].map(([name, taken]) => {
    const ratios = taken.map(({ perSecond }, i) => perSecond / (bare[i]?.perSecond ?? Number.NaN));
    const work = taken.map(({ client, server }, i) => workOf(bare[i]) / (client + server));
    return {
      name,
      concurrency,
      perSecond: Math.round(median(taken.map(({ perSecond }) => perSecond))),
      clientMicros: Math.round(median(taken.map(({ client }) => client))),
      serverMicros: Math.round(median(taken.map(({ server }) => server))),
      ratio: median(ratios),
      ratioMin: Math.min(...ratios),
      ratioMax: Math.max(...ratios),
      /** The same by processor time, which other work on the machine hardly touches. */
      workRatio: median(work),
    };
  });
}

function workOf(turn: Turn | undefined): number {
  return turn ? turn.client + turn.server : Number.NaN;
}

type Row = Awaited<ReturnType<typeof compare>>[number];

function print(rows: readonly Row[]): void {
  if (process.argv.includes("--json")) return console.log(JSON.stringify(rows));
  console.log(
    "calls of 119 bytes each way, server in a process of its own; ratios to bare nice-grpc within each round\n",
  );
  console.log(`${"".padEnd(28)}  calls/s  µs client  µs server   by calls                by processor time`);
  for (const row of rows) {
    const system = row.name === "bare" ? "nice-grpc, ts-proto" : "Mortise, all filters";
    const range = `(${row.ratioMin.toFixed(2)} to ${row.ratioMax.toFixed(2)})`;
    const numbers = [cell(row.perSecond, 8), cell(row.clientMicros, 10), cell(row.serverMicros, 10)];
    const ratios = `${row.ratio.toFixed(2)} ${range.padEnd(16)} ${row.workRatio.toFixed(2)}`;
    console.log(`${`c=${row.concurrency}`.padEnd(6)} ${system.padEnd(21)} ${numbers.join(" ")}       ${ratios}`);
  }
}

function cell(value: number, width: number): string {
  return `${value}`.padStart(width);
}
