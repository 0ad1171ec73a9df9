import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StatusError } from "@mortise/kernel";
import { OrderStatus } from "@mortise/proto/shop/order";
import { testOrders } from "./orders.fixture.ts";

const reason = (expected: string) => (error: unknown) => error instanceof StatusError && error.reason === expected;
const { AWAITING_PAYMENT, CANCELLED } = OrderStatus;
const pens = [{ sku: "brass-pen", quantity: 1 }];
const welcome = 50_000n;
const calm = { leaseMs: 60_000 }; // nobody is taken for dead on a busy machine
const hurry = { payWithinMs: 200, expireEveryMs: 10, dropAgainMs: 100 };
const hurried = await testOrders(hurry, { ...calm, processes: 3 });
const forgetful = await testOrders({ payWithinMs: 1, expireEveryMs: 3_600_000 }, calm);

describe("an order that is not paid in time", () => {
  it("is cancelled, and its goods and its coupon are there for others again", async () => {
    const { newUser, placeUnpaid, pay, ended, balance, levels, place } = hurried;
    const userId = newUser();
    const before = await levels();
    const { id } = await placeUnpaid(userId, pens, "first", "WELCOME10");
    const over = await ended(userId, id);
    assert.deepEqual([over.status, over.cancelReason], [CANCELLED, "PAYMENT_EXPIRED"]);
    assert.equal(over.steps.length, 3);
    await assert.rejects(pay(userId, id), reason("PAYMENT_EXPIRED"));
    assert.equal((await placeUnpaid(userId, pens, "first", "WELCOME10")).id, id);
    assert.equal(await balance(userId), welcome);
    await hurried.levelsBecome(before);
    const again = await place(userId, pens, "second", "WELCOME10");
    assert.ok(again.discount.cents > 0n);
    await ended(userId, again.id);
  });

  it("is cancelled by one of many processes, and so are all others", async () => {
    const { newUser, placeUnpaid, ended, balance, levels } = hurried;
    const before = await levels();
    const users = Array.from({ length: 6 }, newUser);
    const all = users.flatMap((userId) =>
      [1, 2, 3, 4].map(async () => [userId, await placeUnpaid(userId, pens)] as const),
    );
    for (const [userId, { id }] of await Promise.all(all)) {
      assert.equal((await ended(userId, id)).cancelReason, "PAYMENT_EXPIRED");
      assert.equal(await balance(userId), welcome);
    }
    await hurried.levelsBecome(before);
  });
});

describe("an order whose time to pay is over", () => {
  it("is not paid any more, even if nobody has cancelled it yet", async () => {
    const { newUser, placeUnpaid, pay, orders, balance } = forgetful;
    const userId = newUser();
    const { id: orderId } = await placeUnpaid(userId, pens);
    await assert.rejects(pay(userId, orderId), reason("PAYMENT_EXPIRED"));
    assert.equal((await orders.get({ userId, orderId })).status, AWAITING_PAYMENT);
    assert.equal(await balance(userId), welcome);
    assert.equal((await orders.cancel({ userId, orderId })).status, CANCELLED);
  });
});
