import type { Plugin } from "../../kernel/core/plugin.ts";
import type { BenchServer } from "./server.ts";
import { accountOf, warm, world } from "./world.ts";

export interface Hot {
  readonly lanes: boolean;
  readonly callers: number;
  /** Transactions over two databases that all want the same account of both, per second. */
  readonly perSecond: number;
  readonly p50Ms: number;
}

/** Everybody wants the same row. */
export async function measureHot(
  server: BenchServer,
  strategy: Plugin,
  lanes: boolean,
  callers: number,
  ms: number,
): Promise<Hot> {
  await using store = await server.open();
  await using at = await world({ store, strategy, databases: 2, batching: true, lanes });
  await warm(at, callers);
  const took: number[] = [];
  const began = performance.now();
  const caller = async () => {
    while (performance.now() - began < ms) {
      const asked = performance.now();
      await at.run(accountOf(0));
      took.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  await at.drained();
  const perSecond = (took.length * 1000) / (performance.now() - began);
  took.sort((a, b) => a - b);
  return { lanes, callers, perSecond, p50Ms: took[Math.floor(took.length / 2)] ?? 0 };
}

export interface Memory {
  readonly transactions: number;
  /** Of the JavaScript heap, in megabytes. */
  readonly heapMb: number;
}

/** What so many transactions hold in memory while their first operation waits. Needs `--expose-gc`. */
export async function measureMemory(server: BenchServer, strategy: Plugin, transactions: number): Promise<Memory> {
  await using store = await server.open();
  const latch = Promise.withResolvers<void>();
  const before = () => latch.promise;
  await using at = await world({ store, strategy, databases: 2, batching: true, lanes: false, before });
  const empty = heapMb();
  const running = Array.from({ length: transactions }, (_, n) => at.run(accountOf(n)));
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const full = heapMb();
  latch.resolve();
  await Promise.all(running);
  await at.drained();
  return { transactions, heapMb: full - empty };
}

function heapMb(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1024 / 1024;
}
