import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import type { AnyTransaction } from "../../contract/transaction/transaction.ts";
import type { ClaimRequest, TransactionNote, TransactionRecord } from "../../spi/coordinator.ts";
import { pay } from "../../testing/bank-app.ts";
import { keptLog } from "../../testing/logs.ts";
import { virtualPorts } from "../../testing/virtual-ports.ts";
import type { Running } from "./initiator.ts";
import type { TransactionNode } from "./node.ts";
import { recovery } from "./recovery.ts";

/** A node that finds as many transactions due as it asks for, and drives each until the test lets it go. */
function world(recoverBatch: number, version = 1, strategies: readonly string[] = ["test"]) {
  const ports = virtualPorts();
  const log = keptLog();
  const driven: PromiseWithResolvers<void>[] = [];
  const asked: number[] = [];
  const notes: [string, TransactionNote][] = [];
  let made = 0;
  const record = (): TransactionRecord =>
    ({
      gid: randomUUID(),
      name: "pay",
      version,
      strategy: strategies[made++ % strategies.length],
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
      note: async (gid: string, note: TransactionNote) => void notes.push([gid, note]),
    }),
    strategy: (name: string) =>
      name === "test"
        ? {
            resume: () => {
              const one = Promise.withResolvers<void>();
              driven.push(one);
              return one.promise;
            },
          }
        : undefined,
    tracer: () => undefined,
  } as unknown as TransactionNode;
  const running = new Map<string, Running>();
  const worker = recovery(node, running);
  worker.start();
  return { ports, driven, asked, running, worker, notes, lines: log.lines };
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

it("goes on with the others where the strategy of one is gone, and says of which", async () => {
  const { ports, driven, worker, notes, lines } = world(4, 1, ["gone", "test"]);
  await ports.advance(0);
  assert.equal(driven.length, 4);
  const gone = notes.map(([gid]) => gid);
  const because = 'DTX011: its strategy "gone" is not there any more.';
  for (const [, note] of notes) assert.deepEqual(note, { lastError: because, nextInMs: 15_000 });
  const told = lines.filter(({ level }) => level === "error" || level === "warn").map(({ message }) => message);
  const start = `transaction pay ${gone[0]}, ${gone[1]} cannot go on: ${because} Keep the strategy`;
  assert.equal(told[0]?.slice(0, start.length), start);
  for (const gid of gone) assert.equal(told.filter((line) => line.includes(gid)).length, 1);
  for (const one of driven) one.resolve();
  await worker.stop();
});
