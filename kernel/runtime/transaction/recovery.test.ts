import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import type { AnyTransaction } from "../../contract/transaction/transaction.ts";
import type { ClaimRequest, TransactionRecord } from "../../spi/coordinator.ts";
import { pay } from "../../testing/bank-app.ts";
import { keptLog } from "../../testing/logs.ts";
import { virtualPorts } from "../../testing/virtual-ports.ts";
import type { Running } from "./initiator.ts";
import type { TransactionNode } from "./node.ts";
import { recovery } from "./recovery.ts";

/** A node that finds as many transactions due as it asks for, and drives each until the test lets it go. */
function world(recoverBatch: number, version = 1) {
  const ports = virtualPorts();
  const log = keptLog();
  const driven: PromiseWithResolvers<void>[] = [];
  const asked: number[] = [];
  const record = (): TransactionRecord =>
    ({
      gid: randomUUID(),
      name: "pay",
      version,
      strategy: "test",
      branches: [],
      outputs: {},
      done: [],
      trace: "",
    }) as never;
  const node = {
    owner: "me",
    options: { recoverBatch, recoverEveryMs: 1_000, leaseMs: 15_000 },
    ports,
    log,
    initiated: new Map([["pay", pay as unknown as AnyTransaction]]),
    coordinator: () => ({
      claim: async ({ limit }: ClaimRequest) => {
        asked.push(limit);
        return Array.from({ length: limit }, record);
      },
      renew: async () => undefined,
    }),
    strategy: () => ({
      resume: () => {
        const one = Promise.withResolvers<void>();
        driven.push(one);
        return one.promise;
      },
    }),
    tracer: () => undefined,
  } as unknown as TransactionNode;
  const running = new Map<string, Running>();
  const worker = recovery(node, running);
  worker.start();
  return { ports, driven, asked, running, worker, lines: log.lines };
}

it("takes on no more transactions than it may drive at the same time", async () => {
  const { ports, driven, running, worker } = world(10);
  await ports.advance(60_000);
  assert.deepEqual([driven.length, running.size], [10, 10]);
  for (const one of driven) one.resolve();
  await worker.stop();
});

it("takes on more as soon as half of them are over, and as many as have ended", async () => {
  const { ports, driven, asked, running, worker } = world(10);
  await ports.advance(0);
  for (const one of driven.slice(0, 5)) one.resolve();
  await ports.advance(0);
  assert.deepEqual([asked, driven.length, running.size], [[10, 5], 15, 10]);
  for (const one of driven) one.resolve();
  await worker.stop();
});

it("says once that it goes on with what another version of a transaction has begun", async () => {
  const { ports, driven, worker, lines } = world(4, 7);
  await ports.advance(0);
  for (const one of driven) one.resolve();
  await ports.advance(0);
  const told = lines
    .filter(({ level }) => level === "warn")
    .map(({ fields }) => [fields.name, fields.begun, fields.here]);
  assert.deepEqual(told, [["pay", 7, pay.version]]);
  for (const one of driven) one.resolve();
  await worker.stop();
});
