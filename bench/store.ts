// What store/embedded costs: `npm run bench -- store`, as data with --json.
import { chmodSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database, Running, Store } from "../kernel/index.ts";
import { startPlugin } from "../kernel/testing/start-plugin.ts";
import { embedded } from "../plugins/store/embedded/embedded.ts";

const dataDir = mkdtempSync(join(tmpdir(), "bench-store-"));
chmodSync(dataDir, 0o755);

const start = (): Promise<Running<Store>> => startPlugin<Store>(embedded, { options: { dataDir } });

async function timed<T>(work: () => Promise<T>): Promise<readonly [milliseconds: number, result: T]> {
  const began = performance.now();
  const result = await work();
  return [performance.now() - began, result];
}

/** Memory of everything that works in the data, shared parts counted once, in megabytes. */
function serverMegabytes(): number {
  const kilobytes = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        if (!readlinkSync(`/proc/${pid}/cwd`).startsWith(dataDir)) return 0;
        return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
      } catch {
        return 0;
      }
    });
  return kilobytes.reduce((sum, one) => sum + one, 0) / 1024;
}

/** Calls per second of `work`, `at` once, over a second and a half. */
async function perSecond(at: number, work: (i: number) => Promise<unknown>): Promise<number> {
  const began = performance.now();
  let done = 0;
  const one = async () => {
    while (performance.now() - began < 1500) await work(done++);
  };
  await Promise.all(Array.from({ length: at }, one));
  return (done * 1000) / (performance.now() - began);
}

async function measure(): Promise<Readonly<Record<string, number>>> {
  const [firstStartMs, first] = await timed(start);
  const [createDatabaseMs, database] = await timed(() => first.api.database("bench"));
  const idleServerMb = serverMegabytes();
  await database.sql`create table rows (id int primary key, note text)`;
  const throughput = await throughputOf(database);
  const [stopMs] = await timed(async () => first.stop?.());
  const [laterStartMs, second] = await timed(start);
  const [openDatabaseMs] = await timed(() => second.api.database("bench"));
  await second.stop?.();
  return { firstStartMs, createDatabaseMs, laterStartMs, openDatabaseMs, stopMs, idleServerMb, ...throughput };
}

async function throughputOf({ sql }: Database): Promise<Readonly<Record<string, number>>> {
  let id = 0;
  const insert = () => sql`insert into rows values (${id++}, 'bench')`;
  return {
    insertsPerSecondAlone: await perSecond(1, insert),
    insertsPerSecondAt8: await perSecond(8, insert),
    selectsPerSecondAt8: await perSecond(8, (i) => sql`select * from rows where id = ${i % 1000}`),
  };
}

try {
  const figures = await measure();
  if (process.argv.includes("--json")) console.log(JSON.stringify(figures));
  else for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(24)} ${value.toFixed(1)}`);
} finally {
  rmSync(dataDir, { recursive: true, force: true });
}
