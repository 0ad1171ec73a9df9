import { randomUUID } from "node:crypto";
import { background } from "../../kernel/call/call-context.ts";
import { codecOf } from "../../kernel/contract/index.ts";
import type { Plugin } from "../../kernel/core/plugin.ts";
import { systemPorts } from "../../kernel/core/ports.ts";
import { createFence } from "../../kernel/runtime/transaction/fence.ts";
import { participant } from "../../kernel/runtime/transaction/participant.ts";
import { Movement } from "../../kernel/testing/bank.ts";
import type { BenchServer } from "./server.ts";
import { accountOf, firstBank, warm, world } from "./world.ts";

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
  await using at = await world({ store, strategy, databases: 2, batching: true, lanes, form: "functions" });
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

export interface HotRow {
  readonly lanes: boolean;
  readonly callers: number;
  /** Reservations of one row that were confirmed, per second. */
  readonly perSecond: number;
}

/** The same at the participant alone, without coordinator: each caller reserves and confirms, over and over. */
export async function measureHotRow(server: BenchServer, lanes: boolean, callers: number, ms: number): Promise<HotRow> {
  await using store = await server.open();
  const performer = await firstBank(store, lanes);
  await createFence(performer.database.sql);
  const bank = participant(performer, systemPorts);
  const input = codecOf(Movement).encode({ account: accountOf(0), cents: 1n });
  const steps = [{ step: "take", operation: "take", version: 1, input }];
  let done = 0;
  const began = performance.now();
  const caller = async () => {
    while (performance.now() - began < ms) {
      const gid = randomUUID();
      for (const action of ["reserve", "confirm"]) {
        const asked = { gid, branch: "b1", action, strategy: "tcc", transaction: "hot", steps };
        let outcome = "";
        while (outcome !== "done") outcome = (await bank.drive(asked, background)).outcome;
      }
      done++;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return { lanes, callers, perSecond: (done * 1000) / (performance.now() - began) };
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
  const at = await world({ store, strategy, databases: 2, batching: true, lanes: false, form: "functions", before });
  const empty = heapMb();
  for (let n = 0; n < transactions; n++) at.run(accountOf(n)).catch(() => undefined); // left behind when the app stops
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  const full = heapMb();
  latch.resolve();
  await at[Symbol.asyncDispose]().then(undefined, () => undefined); // it says that much was left behind, which is meant
  return { transactions, heapMb: full - empty };
}

function heapMb(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1024 / 1024;
}
