import assert from "node:assert/strict";
import { isSame, type Order, orders } from "../grpc/order.ts";
import type { Echo } from "./systems.ts";

/** What a client does for a while. */
export interface Task {
  readonly concurrency: number;
  readonly ms: number;
}

/** What came of it. */
export interface Turn {
  readonly calls: number;
  readonly rps: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Processor microseconds of the client per call. */
  readonly clientUs: number;
}

/** Calls for a while with so many calls under way, and looks at every field of every answer. */
export async function turn(echo: Echo, { concurrency, ms }: Task): Promise<Turn> {
  const took: number[] = [];
  const cpu = process.cpuUsage();
  const began = performance.now();
  const end = began + ms;
  const worker = async (first: number) => {
    for (let i = first, at = performance.now(); at < end; i++) {
      const order = orders[i & 1023] as Order;
      if (!isSame(await echo(order), order)) assert.fail("another order came back");
      const now = performance.now();
      took.push(now - at);
      at = now;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, (_, i) => worker(i * 7)));
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const sorted = Float64Array.from(took).sort();
  const quantile = (q: number) => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0) * 1000;
  return {
    calls: took.length,
    rps: took.length / seconds,
    p50Us: quantile(0.5),
    p99Us: quantile(0.99),
    clientUs: (user + system) / took.length,
  };
}
