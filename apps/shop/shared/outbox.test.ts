import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { background, type Context, type Publish, systemPorts } from "@mortise/kernel";
import { eventually, keptLog, silentLog } from "@mortise/kernel/testing";
import { type OrderEvent, OrderPaid } from "@mortise/proto/shop/order";
import { outbox } from "../order/schema.ts";
import { serviceDatabase } from "./database.fixture.ts";
import { channel, makeRelay, post } from "./outbox.ts";

const database = await serviceDatabase("order");
const event = (orderId: string): OrderEvent => ({ orderId, userId: "u", total: { cents: 1n, currency: "EUR" } });
const write = (orderId: string, call: Context = background) =>
  database.orm.transaction((tx) => post(tx, outbox, OrderPaid, event(orderId), call));
const left = async () => (await database.orm.select().from(outbox)).length;

function relay(publish: Publish<OrderEvent>, log = silentLog) {
  const channels = [channel(OrderPaid, publish)];
  return makeRelay({ database, service: "order", outbox, channels, ports: systemPorts, log, everyMs: 10 });
}

describe("the outbox", () => {
  it("publishes what was committed, in order, in the trace of the change, and forgets it", async () => {
    const told: { id: string; trace: string | undefined }[] = [];
    const worker = relay(async ({ orderId }, context) => {
      told.push({ id: orderId, trace: context?.trace?.traceId });
    });
    const trace = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", sampled: true, state: "" };
    await write("1", background.with({ trace }));
    await write("2");
    await assert.rejects(
      database.orm.transaction(async (tx) => {
        await post(tx, outbox, OrderPaid, event("never"), background);
        throw new Error("rolled back");
      }),
    );
    worker.start();
    await eventually(async () => (await left()) === 0);
    await worker.stop();
    assert.deepEqual(told, [
      { id: "1", trace: trace.traceId },
      { id: "2", trace: undefined },
    ]);
  });

  it("keeps what the bus does not take and everything after it, and publishes it later under the same id", async () => {
    let away = true;
    const ids: (string | undefined)[] = [];
    const told: string[] = [];
    const log = keptLog();
    const worker = relay(async ({ orderId }, _, options) => {
      ids.push(options?.id);
      if (away) throw new Error("no bus");
      told.push(orderId);
    }, log);
    await write("a");
    await write("b");
    worker.start();
    await eventually(() => ids.length >= 2);
    assert.equal(await left(), 2);
    away = false;
    await eventually(async () => (await left()) === 0);
    await worker.stop();
    assert.deepEqual(told, ["a", "b"]);
    assert.equal(ids[0], ids[1]);
    assert.ok(log.lines.some((line) => line.message.includes("stays in the outbox")));
  });

  it("publishes each event once and in order, however many processes relay", async () => {
    const told: number[] = [];
    const workers = Array.from({ length: 3 }, () =>
      relay(async ({ orderId }) => {
        await new Promise((resolve) => setImmediate(resolve));
        told.push(Number(orderId));
      }),
    );
    for (const worker of workers) worker.start();
    for (let index = 0; index < 60; index++) {
      await write(String(index));
      workers[index % 3]?.wake();
    }
    await eventually(async () => (await left()) === 0);
    await Promise.all(workers.map((worker) => worker.stop()));
    assert.deepEqual(
      told,
      Array.from({ length: 60 }, (_, index) => index),
    );
  });
});
