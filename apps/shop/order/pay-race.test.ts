import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { StatusError, systemPorts } from "@mortise/kernel";
import { eventually } from "@mortise/kernel/testing";
import { type Order, OrderStatus } from "@mortise/proto/shop/order";
import { EntryKind } from "@mortise/proto/shop/payment";
import { testOrders } from "./orders.fixture.ts";
import { expiredReason } from "./rules.ts";

const { COMPLETED, CANCELLED } = OrderStatus;
const welcome = 50_000n;
const skus = ["two-cups", "grid-notebook", "brass-pen"];
const races = 12;
type End = (userId: string, orderId: string) => Promise<unknown>;
/** All that paying may say when somebody else was there first. */
const noes = new Set([
  ...[expiredReason, "ORDER_CANCELLED", "ALREADY_PAID", "PAYMENT_UNDER_WAY"],
  ...["INTERRUPTED", "DEADLINE", "UNAVAILABLE"], // on a busy machine one process may take another for dead
]);
const jitter = (ms: number) => systemPorts.timers.sleep(systemPorts.random() * ms);

interface Raced {
  readonly userId: string;
  readonly order: Order;
  /** Whether anybody was told that it is paid. */
  readonly toldPaid: number;
}

const options = { expireEveryMs: 5, dropAgainMs: 3000, remindAfterMs: 500, remindEveryMs: 50 };
const shop = await testOrders(options, { processes: 2 });
const { services, store, orders, newUser, placeUnpaid, pay, ended, entries, balance, levels } = shop;
const { sql } = await store.database("shop_order");
const stock = await store.database("shop_inventory");
await stock.sql`update stock set on_hand = 1000 where sku in ${stock.sql(skus)}`;
const drop: End = (userId, orderId) =>
  shop.initiators.dropOrder.run({ userId, orderId, reason: expiredReason }, { until: "settled" });

/** Lets an order be paid twice while something else ends it. */
async function race(end: End): Promise<Raced> {
  const userId = newUser();
  const items = skus.map((sku) => ({ sku, quantity: 1 }));
  const { id } = await eventually(() => placeUnpaid(userId, items), 60_000);
  const paying = [1, 2].map(async () => {
    await jitter(30);
    return pay(userId, id);
  });
  const [ending, ...answers] = await Promise.allSettled([end(userId, id), ...paying]);
  const toldPaid = answers.filter(({ status }) => status === "fulfilled").length;
  for (const answer of answers)
    if (answer.status === "rejected") assert.ok(noes.has((answer.reason as StatusError).reason ?? ""), answer.reason);
  if (ending.status === "rejected") assert.ok(ending.reason instanceof StatusError, ending.reason);
  await eventually(async () => {
    const { status } = await orders.get({ userId, orderId: id });
    if (status === OrderStatus.AWAITING_PAYMENT) await drop(userId, id); // what was interrupted on both sides
    return status !== OrderStatus.AWAITING_PAYMENT;
  }, 120_000);
  return { userId, order: await ended(userId, id), toldPaid };
}

/** Plays many races, some at a time, and checks that of each order all or nothing has happened. */
async function racing(end: End): Promise<string> {
  const began = await levels();
  const raced: Raced[] = [];
  for (let count = 0; count < races; count += 6)
    raced.push(...(await Promise.all(Array.from({ length: 6 }, () => race(end)))));
  for (const { userId, order, toldPaid } of raced) {
    const paid = order.status === COMPLETED;
    if (!paid) assert.equal(order.status, CANCELLED);
    assert.ok(toldPaid <= (paid ? 1 : 0), `${toldPaid} were told that it is paid: ${order.cancelReason}`);
    assert.equal(await balance(userId), welcome - (paid ? order.total.cents : 0n));
    const kinds = paid ? [EntryKind.CHARGE, EntryKind.WELCOME] : [EntryKind.WELCOME];
    await eventually(async () => {
      assert.deepEqual(
        (await entries(userId)).map(({ kind }) => kind),
        kinds,
      );
      return true;
    }, 120_000);
  }
  const sold = raced.filter(({ order }) => order.status === COMPLETED).length;
  await shop.levelsBecome(
    began.map((level) => (skus.includes(level.sku) ? { ...level, onHand: level.onHand - sold } : level)),
  );
  await nothingPrepared();
  return `${sold} of ${raced.length} were paid`;
}

async function nothingPrepared(): Promise<void> {
  for (const name of ["shop_order", "shop_payment", "shop_inventory", "shop_marketing"]) {
    const { sql } = await store.database(name);
    const left = () => sql`select 1 from pg_prepared_xacts where database = current_database()`;
    await eventually(async () => (await left()).length === 0, 60_000);
  }
}

for (const strategy of ["tcc", "saga", "xa", "3pc"]) {
  describe(`paying an order and its end at the same moment, by ${strategy}`, { timeout: 600_000 }, () => {
    before(() => {
      services.strategy = strategy;
    });

    it("has one outcome when its time is over", async (test) => {
      const outcome = await racing(async (_, orderId) => {
        const ms = 80 * systemPorts.random();
        await sql`update orders set due_at = now() + ${ms} * interval '1 millisecond', pay_by = now() + ${ms} * interval '1 millisecond' where id = ${orderId}`;
      });
      test.diagnostic(outcome);
    });

    it("has one outcome when others drop it without looking at the time", async (test) => {
      const outcome = await racing(async (userId, orderId) => {
        await jitter(90);
        await drop(userId, orderId);
      });
      test.diagnostic(outcome);
    });
  });
}
