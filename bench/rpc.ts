// Calls per second and their latency for every way of carrying them: `npm run bench -- rpc`, as data with --json. Each system has
// a server and a client in processes of their own, all alive at the same time; they take turns within each round, so
// that the machine's mood hits all alike, and ratios are taken inside a round. --only=<text> measures rows of that name.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systems } from "./rpc/systems.ts";
import { type Task, type Turn, turn } from "./rpc/turn.ts";

const flag = (name: string) => process.argv.find((argument) => argument.startsWith(`--${name}=`))?.split("=", 2)[1];
const short = process.argv.includes("--short");
const rounds = short ? 3 : 7;
const turnMs = short ? 400 : 1000;
const warmUpMs = short ? 1500 : 3000;
const concurrencies = flag("c")?.split(",").map(Number) ?? [1, 32, 256];
const reference = "nice-grpc";

const role = flag("role");
if (role) process.on("disconnect", () => process.exit());
if (role === "server") {
  const [name = "", dir = ""] = (flag("of") ?? "").split(",");
  process.send?.(await systems[name]?.serve(dir));
  process.on("message", () => process.send?.(used()));
} else if (role === "client") {
  const [name = "", where = ""] = (flag("of") ?? "").split(",");
  const echo = await systems[name]?.connect(where);
  const answer = async (task: Task) => process.send?.(echo && (await turn(echo, task)));
  process.on("message", (task: Task) => void answer(task));
  process.send?.("ready");
} else {
  await measure();
}

interface Pair {
  readonly name: string;
  readonly client: ChildProcess;
  readonly server: ChildProcess;
}

/** Starts a process of a system; gives what it says first. */
async function started(role: string, of: string): Promise<{ readonly child: ChildProcess; readonly said: string }> {
  const execArgv = ["--conditions=source", ...(flag("prof")?.split("+").includes(role) ? ["--cpu-prof"] : [])];
  const child = fork(import.meta.filename, [`--role=${role}`, `--of=${of}`], { execArgv });
  const exited = once(child, "exit").then(() => Promise.reject(new Error(`${of}: the ${role} could not be started`)));
  const [said] = await Promise.race([once(child, "message"), exited]);
  exited.catch(() => undefined); // it ends when the measurement does
  return { child, said };
}

/** A process of a system ends with its channel, so that its profile is written. */
async function ended(child: ChildProcess): Promise<void> {
  child.disconnect();
  await once(child, "exit");
}

async function pair(name: string, dir: string): Promise<Pair> {
  const server = await started("server", `${name},${dir}`);
  const client = await started("client", `${name},${server.said}`);
  return { name, client: client.child, server: server.child };
}

/** Processor microseconds this process has used. */
function used(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

async function ask<T>(child: ChildProcess, question: Task | "used"): Promise<T> {
  child.send(question);
  const [answer] = await once(child, "message");
  return answer;
}

interface Taken extends Turn {
  /** Processor microseconds of both processes per call. */
  readonly bothUs: number;
}

async function take({ client, server }: Pair, task: Task): Promise<Taken> {
  const before = await ask<number>(server, "used");
  const turn = await ask<Turn>(client, task);
  const serverUs = ((await ask<number>(server, "used")) - before) / turn.calls;
  return { ...turn, bothUs: turn.clientUs + serverUs };
}

async function measure(): Promise<void> {
  const dirs: string[] = [];
  const pairs: Pair[] = [];
  for (const name of Object.keys(systems)) {
    if (!name.includes(flag("only") ?? "") && name !== reference) continue;
    const dir = mkdtempSync(join(tmpdir(), "mortise-bench-"));
    dirs.push(dir);
    try {
      pairs.push(await pair(name, dir));
    } catch (error) {
      console.error(`${name} is left out: ${(error as Error).message}`);
    }
  }
  const rows: Row[] = [];
  for (const concurrency of concurrencies) rows.push(...(await compare(pairs, concurrency)));
  await Promise.all(pairs.flatMap(({ client, server }) => [client, server]).map(ended));
  for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
  print(rows);
  process.exit();
}

async function compare(pairs: readonly Pair[], concurrency: number): Promise<Row[]> {
  const turns = new Map(pairs.map(({ name }) => [name, [] as Taken[]]));
  for (const one of pairs) await take(one, { concurrency, ms: warmUpMs });
  for (let round = 0; round < rounds; round++) {
    for (const one of pairs) turns.get(one.name)?.push(await take(one, { concurrency, ms: turnMs }));
  }
  const base = turns.get(reference) ?? [];
  return [...turns].map(([name, taken]) => ({
    name,
    concurrency,
    rps: Math.round(median(taken.map(({ rps }) => rps))),
    p50Us: Math.round(median(taken.map(({ p50Us }) => p50Us))),
    p99Us: Math.round(median(taken.map(({ p99Us }) => p99Us))),
    times: median(taken.map(({ rps }, i) => rps / (base[i]?.rps ?? Number.NaN))),
    bothUs: median(taken.map(({ bothUs }) => bothUs)),
    work: median(taken.map(({ bothUs }, i) => (base[i]?.bothUs ?? Number.NaN) / bothUs)),
  }));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

interface Row {
  readonly name: string;
  readonly concurrency: number;
  readonly rps: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** How many times the reference's calls per second, by the median of the rounds. */
  readonly times: number;
  /** Processor microseconds of both processes per call, and how many times less than the reference's. */
  readonly bothUs: number;
  readonly work: number;
}

function print(rows: readonly Row[]): void {
  if (process.argv.includes("--json")) {
    const told = rows.map(({ name, concurrency, rps, p50Us, p99Us }) => ({ name, concurrency, rps, p50Us, p99Us }));
    return console.log(JSON.stringify(told));
  }
  console.log(
    `calls of 119 bytes each way, client and server in processes of their own; times (×) are of ${reference}\n`,
  );
  console.log(`${"".padEnd(28)}  calls/s        ×   p50 µs   p99 µs   processor µs        ×`);
  for (const { name, concurrency, rps, p50Us, p99Us, times, bothUs, work } of rows) {
    const cells = [`${rps}`, times.toFixed(2), `${p50Us}`, `${p99Us}`].map((text) => text.padStart(8)).join(" ");
    const processor = `${bothUs.toFixed(1).padStart(14)} ${work.toFixed(2).padStart(8)}`;
    console.log(`${`c=${concurrency}`.padEnd(6)} ${name.padEnd(21)} ${cells} ${processor}`);
  }
}
