// What a service does when 10 times as many calls come as it can serve: `npm run bench -- overload`, as data with --json. The server and
// two clients are processes of their own; calls come at their moments whatever has become of those before (an open loop). A call
// is good when it is answered within its deadline. --short takes less time, --only=<text> measures what is called so.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Flood, flood, type Task } from "./overload/flood.ts";

const short = process.argv.includes("--short");
const only = process.argv.find((argument) => argument.startsWith("--only="))?.slice("--only=".length) ?? "";
const asJson = process.argv.includes("--json");
const phaseMs = short ? 3000 : 8000;
/** How long a load has come when measuring begins, so that what is measured lasts. */
const settleMs = short ? 2000 : 8000;
const workers = 2;
/** What a call costs the server: it waits for something else, then computes. */
const waitMs = 5;
const burnMs = 10;
/** As many times the capacity come. */
const multiples = short ? [1, 10] : [0.5, 1, 2, 5, 10];

interface Variant {
  readonly name: string;
  readonly limiter?: "bbr" | "token-bucket";
  policy(capacity: number): Readonly<Record<string, unknown>>;
}

const variants: readonly Variant[] = [
  { name: "unprotected", policy: () => ({}) },
  { name: "bulkhead", policy: () => ({ bulkhead: { maxConcurrent: 4, maxQueue: 16 } }) },
  { name: "limiter bbr", limiter: "bbr", policy: () => ({ limiter: "bbr", bbr: {} }) },
  {
    name: "limiter token-bucket",
    limiter: "token-bucket",
    policy: (capacity) => ({ limiter: "token-bucket", rate: Math.floor(0.8 * capacity), burst: 8 }), // refusing costs, too
  },
];

interface Row extends Flood {
  readonly name: string;
  /** How much of one processor the server had, 0 to 1: below 1 under overload, others work on this machine. */
  readonly busy: number;
  /** Good calls per second of the server's processor time. */
  readonly goodPerBusySecond: number;
  /** How many times the capacity. */
  readonly multiple: number;
  readonly offered: number;
}

const dir = mkdtempSync(join(tmpdir(), "mortise-overload-"));
const role = process.argv.find((argument) => argument.startsWith("--role="));
if (role) await serveFlood();
else await measure().finally(() => rmSync(dir, { recursive: true, force: true }));

/** A process that calls, and does what it is told. */
async function serveFlood(): Promise<void> {
  process.on("disconnect", () => process.exit());
  const call = await flood(role?.slice("--role=".length) ?? "");
  process.on("message", (task: Task) => void call(task).then((answer) => process.send?.(answer)));
  process.send?.("ready");
}

async function started(script: string, args: readonly string[], stdout: "pipe" | "inherit"): Promise<ChildProcess> {
  return fork(script, [...args], { execArgv: ["--conditions=source"], stdio: ["ignore", stdout, "inherit", "ipc"] });
}

async function server(
  name: string,
  registry: string,
  limiter: Variant["limiter"],
  policy: object,
): Promise<ChildProcess> {
  const options = { "registry/file": { dir: registry, pollMs: 50, leaseMs: 60_000 } };
  const provider = {
    name,
    waitMs,
    burnMs,
    registry: "file",
    options,
    policies: { "*": policy },
    ...(limiter && { limiter }),
  };
  const script = join(import.meta.dirname, "../interop/faults.fixture.ts");
  const child = await started(script, [JSON.stringify(provider)], "pipe");
  if (child.stdout) await once(child.stdout, "data");
  return child;
}

async function client(registry: string): Promise<ChildProcess> {
  const child = await started(import.meta.filename, [`--role=${registry}`], "inherit");
  await once(child, "message");
  return child;
}

interface Arena {
  readonly clients: readonly ChildProcess[];
  /** Processor time of the server until now, in milliseconds. */
  busyMs(): Promise<number>;
}

async function turn(clients: readonly ChildProcess[], rate: number, ms: number): Promise<Flood> {
  const results = clients.map(async (child) => {
    child.send({ rate: rate / clients.length, ms } satisfies Task);
    const [result] = await once(child, "message");
    return result as Flood;
  });
  return sum(await Promise.all(results));
}

function sum(all: readonly Flood[]): Flood {
  const total = (of: (one: Flood) => number) => all.reduce((before, one) => before + of(one), 0);
  const worst = (of: (one: Flood) => number) => Math.max(...all.map(of));
  return {
    goodPerSecond: total((one) => one.goodPerSecond),
    refusedPerSecond: total((one) => one.refusedPerSecond),
    latePerSecond: total((one) => one.latePerSecond),
    goodP99Ms: worst((one) => one.goodP99Ms),
    refusedP99Ms: worst((one) => one.refusedP99Ms),
    codes: [...new Set(all.flatMap(({ codes }) => codes))].sort(),
  };
}

/** Runs a server and its clients for as long as `work` takes. */
async function arena<T>(
  name: string,
  limiter: Variant["limiter"],
  policy: object,
  work: (arena: Arena) => Promise<T>,
): Promise<T> {
  const registry = mkdtempSync(join(dir, "registry-"));
  const served = await server(name, registry, limiter, policy);
  const children = [served];
  const busyMs = async () => {
    served.send("busy");
    const [ms] = await once(served, "message");
    return ms as number;
  };
  try {
    const clients = await Promise.all(Array.from({ length: workers }, () => client(registry)));
    children.push(...clients);
    await turn(clients, 20, 1500); // connections, compiled paths
    return await work({ clients, busyMs });
  } finally {
    for (const child of children) child.kill("SIGKILL");
  }
}

/** What the server does at most: as many good calls per second as it answers when a little less comes than it can take. */
async function capacityOf(): Promise<number> {
  return arena("capacity", undefined, {}, async ({ clients }) => {
    let best = 0;
    for (let rate = 0.5 * (1000 / burnMs); rate <= 1.1 * (1000 / burnMs); rate += 0.1 * (1000 / burnMs)) {
      const { goodPerSecond, latePerSecond } = await turn(clients, rate, phaseMs / 2);
      if (latePerSecond > 0.01 * rate) break;
      best = Math.max(best, goodPerSecond);
    }
    return best;
  });
}

async function measure(): Promise<void> {
  const capacity = await capacityOf();
  const rows: Row[] = [];
  if (!asJson)
    console.log(`capacity: ${Math.round(capacity)} good calls per second; a call computes for ${burnMs} ms\n`);
  for (const { name, limiter, policy } of variants.filter(({ name }) => name.includes(only))) {
    await arena(name, limiter, policy(capacity), async ({ clients, busyMs }) => {
      for (const multiple of multiples) {
        const offered = capacity * multiple;
        await turn(clients, offered, settleMs);
        const [began, before] = [performance.now(), await busyMs()];
        const came = await turn(clients, offered, phaseMs);
        const busy = ((await busyMs()) - before) / (performance.now() - began);
        const goodPerBusySecond = came.goodPerSecond / busy;
        const row = { name, multiple, offered: Math.round(offered), busy, goodPerBusySecond, ...came };
        rows.push(row);
        if (!asJson) show(row);
      }
    });
    if (!asJson) console.log(`${name} ${verdict(rows, name)}\n`);
  }
  if (asJson) console.log(JSON.stringify(rows, null, 2));
}

/** Good throughput at the greatest load against the best of the same service: by the clock, and by the time the server had. */
function verdict(rows: readonly Row[], name: string): string {
  const own = rows.filter((row) => row.name === name);
  const share = (of: (row: Row) => number) => {
    const last = own.at(-1);
    return Math.round((100 * (last ? of(last) : 0)) / Math.max(...own.map(of)));
  };
  const kept = [share(({ goodPerSecond }) => goodPerSecond), share(({ goodPerBusySecond }) => goodPerBusySecond)];
  return `keeps ${kept[0]} % of its peak good throughput at 10 times its capacity, ${kept[1]} % per processor second`;
}

function show({ name, multiple, offered, codes, ...row }: Row): void {
  const n = (value: number) => `${Math.round(value)}`.padStart(6);
  const parts = [
    `${name.padEnd(22)} ×${`${multiple}`.padEnd(4)} offered ${n(offered)}/s`,
    `good ${n(row.goodPerSecond)}/s (p99 ${n(row.goodP99Ms)} ms)`,
    `refused ${n(row.refusedPerSecond)}/s (p99 ${n(row.refusedP99Ms)} ms)`,
    `late ${n(row.latePerSecond)}/s  busy ${n(100 * row.busy)} %  ${codes.join(", ")}`,
  ];
  console.log(parts.join("  "));
}
