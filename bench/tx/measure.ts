import type { Plugin } from "../../kernel/core/plugin.ts";
import type { Store } from "../../kernel/index.ts";
import type { BenchServer } from "./server.ts";
import { accountOf, type Databases, warm, world } from "./world.ts";

export interface Load {
  readonly strategy: string;
  readonly databases: Databases;
  readonly callers: number;
  readonly batching: boolean;
}

export interface Measured extends Load {
  /** Begun, answered and settled everywhere, per second. */
  readonly perSecond: number;
  /** Milliseconds until the caller is answered. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Times the log was flushed per transaction. */
  readonly flushes: number;
  /** Commits one transaction needs without batches. */
  readonly commits: number;
  /** Commits per second of this server with as many callers, divided by `commits`. */
  readonly boundPerSecond: number;
}

/** Commits one transaction over `n` databases needs without batches: those of its branches, and those of its record. */
export function commitsOf(strategy: string, n: number): number {
  if (n === 1) return 1;
  const ofRecord = 3; // begun, decided, ended
  if (strategy === "xa" || strategy === "3pc" || strategy === "tcc") return 2 * n + ofRecord;
  if (strategy === "saga") return n + ofRecord;
  // Each acknowledgement noted, or row of the outbox removed; and when to look again, or the rows taken up together.
  return n + (n - 1) + ofRecord + 1;
}

/** Runs transactions over and over for a while, by so many callers. */
export async function measure(server: BenchServer, plugin: Plugin, load: Load, ms: number): Promise<Measured> {
  const { callers, databases, batching, strategy } = load;
  const idle = await flushesOf(server, async (store) => {
    await using at = await world({ store, strategy: plugin, databases, batching, lanes: false });
    await warm(at, callers);
  });
  const took: number[] = [];
  let elapsed = 0;
  const flushed = await flushesOf(server, async (store) => {
    await using at = await world({ store, strategy: plugin, databases, batching, lanes: false });
    await warm(at, callers);
    let next = 0;
    const began = performance.now();
    const caller = async () => {
      while (performance.now() - began < ms) {
        const asked = performance.now();
        await at.run(accountOf(next++));
        took.push(performance.now() - asked);
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    await at.drained();
    elapsed = performance.now() - began;
  });
  took.sort((a, b) => a - b);
  const quantile = (part: number) => took[Math.floor(took.length * part)] ?? 0;
  const commits = commitsOf(strategy, databases);
  await using store = await server.open();
  return {
    ...load,
    perSecond: (took.length * 1000) / elapsed,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    flushes: Math.max(0, flushed - idle) / took.length,
    commits,
    boundPerSecond: (await commitRate(store, Math.min(callers * databases, 20), ms)) / commits,
  };
}

async function flushesOf(server: BenchServer, work: (store: Store) => Promise<void>): Promise<number> {
  const before = await server.flushes();
  {
    await using store = await server.open();
    await work(store);
  }
  return (await server.flushes()) - before;
}

/** Commits per second of one row each, by so many connections. */
async function commitRate(store: Store, connections: number, ms: number): Promise<number> {
  const { sql } = await store.database("bank_first");
  const began = performance.now();
  let done = 0;
  const committer = async () => {
    while (performance.now() - began < ms / 2)
      await sql`update account set coming = coming where id = ${accountOf(done++ * 7)}`;
  };
  await Promise.all(Array.from({ length: connections }, committer));
  return (done * 1000) / (performance.now() - began);
}
