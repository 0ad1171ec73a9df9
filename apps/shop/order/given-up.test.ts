import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { StatusError } from "@mortise/kernel";
import { eventually } from "@mortise/kernel/testing";
import { OrderStatus } from "@mortise/proto/shop/order";
import { testOrders } from "./orders.fixture.ts";

const { services, store, orders, newUser, place, placeUnpaid, pay, settle, balance, ended } = await testOrders({
  watchPollMs: 20,
});
const items = [{ sku: "two-cups", quantity: 1 }];
const welcome = 50_000n;
const interrupted = { reason: "INTERRUPTED", message: "the process that drove it is gone", step: "", details: {} };

afterEach(settle);

/** What a caller is told of a repetition: the code, the reason, and under which key it may ask again. */
function told(asking: Promise<unknown>): Promise<readonly (string | undefined)[]> {
  return asking.then(
    () => ["done"],
    (error: unknown) => {
      assert.ok(error instanceof StatusError, String(error));
      return [error.code, error.reason, error.details.repeat];
    },
  );
}

/** Does something while nobody else can reach the wallet of a customer. */
async function withoutWallet<T>(userId: string, work: () => Promise<T>): Promise<T> {
  const { sql } = await store.database("shop_payment");
  const held = await sql.begin(async (tx) => {
    await tx`select from wallets where user_id = ${userId} for update`;
    return { result: await work() };
  });
  return held.result;
}

/** Aborts the transaction of a name that is under way, as recovery does when its process is gone. */
async function giveUp(name: string): Promise<void> {
  const { coordinator } = services;
  const [record] = await eventually(async () => {
    const found = await coordinator.find({ name, status: ["active"] });
    return found.length > 0 ? found : undefined;
  });
  await coordinator.decide(record?.gid ?? "", "aborting", { abort: interrupted });
}

describe("what was given up before it was decided", () => {
  const usedUp = ["ABORTED", "INTERRUPTED", "new-key"];

  it("uses up the key of an order, and another key places it", async () => {
    const userId = newUser();
    await balance(userId); // there is a wallet
    const first = await withoutWallet(userId, async () => {
      const asking = told(place(userId, items, "first-key"));
      await giveUp("placeOrder");
      return { asking };
    });
    assert.deepEqual(await first.asking, usedUp);
    assert.deepEqual(await told(place(userId, items, "first-key")), usedUp);
    const placed = await place(userId, items, "second-key");
    assert.equal((await ended(userId, placed.id)).status, OrderStatus.COMPLETED);
    assert.equal(await balance(userId), welcome - 2_800n);
  });

  it("uses up the key of a payment, and another key pays it", async () => {
    const userId = newUser();
    const { id } = await placeUnpaid(userId, items);
    await balance(userId);
    const first = await withoutWallet(userId, async () => {
      const asking = told(pay(userId, id, "first-key"));
      await giveUp("payOrder");
      return { asking };
    });
    assert.deepEqual(await first.asking, usedUp);
    assert.deepEqual(await told(pay(userId, id, "first-key")), usedUp);
    await pay(userId, id, "second-key");
    assert.equal(await balance(userId), welcome - 2_800n);
  });

  it("is safe to ask for again where it has no key", async () => {
    const userId = newUser();
    services.fate = (what) => (what === "event" ? "is lost" : "arrives");
    const { id: orderId } = await place(userId, items);
    const { sql } = await store.database("shop_order");
    const first = await sql.begin(async (tx) => {
      await tx`select from orders where id = ${orderId} for update`;
      const asking = told(orders.cancel({ userId, orderId }));
      await giveUp("cancelOrder");
      return { asking };
    });
    assert.deepEqual(await first.asking, ["UNAVAILABLE", "INTERRUPTED", undefined]);
    assert.equal((await orders.cancel({ userId, orderId })).status, OrderStatus.CANCELLED);
    assert.equal(await balance(userId), welcome);
  });

  it("is told apart from what is refused, and from what is still under way", async () => {
    const userId = newUser();
    await balance(userId);
    const bench = [{ sku: "work-bench", quantity: 1 }];
    for (let times = 0; times < 2; times++) {
      const answer = await told(place(userId, bench, "too-dear"));
      assert.deepEqual(answer, ["FAILED_PRECONDITION", "INSUFFICIENT_FUNDS", "new-key"]);
    }
    const { id } = await placeUnpaid(userId, items);
    const still = await withoutWallet(userId, () => told(pay(userId, id, "slow")));
    assert.deepEqual(still, ["UNAVAILABLE", "STILL_PAYING", "same-key"]);
    await pay(userId, id, "slow");
    assert.equal(await balance(userId), welcome - 2_800n);
  });
});
