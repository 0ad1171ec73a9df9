import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { StatusError } from "@mortise/kernel";
import { eventually } from "@mortise/kernel/testing";
import { OrderStatus } from "@mortise/proto/shop/order";
import { millisOf } from "../shared/instant.ts";
import { onHand, testOrders } from "./orders.fixture.ts";

const patient = await testOrders({ watchPollMs: 20 }, { leaseMs: 60_000 });
const { services, orders, newUser, placeUnpaid, place, pay, ended, settle, balance, topUp, wallet, levels } = patient;
const { AWAITING_PAYMENT, CANCELLED, COMPLETED, PAID, PENDING } = OrderStatus;
const welcome = 50_000n;
const lamp = [{ sku: "halo-lamp", quantity: 2 }];
const price = 17_800n;

const reason = (...expected: string[]) => {
  return (error: unknown) => error instanceof StatusError && expected.includes(error.reason ?? "");
};
const frozen = async (sku: string) => (await levels()).find((level) => level.sku === sku)?.frozen ?? 0;

afterEach(settle);

describe("an order that is paid later", () => {
  it("holds its goods and takes no money until it is paid, and then goes on as every other", async () => {
    const userId = newUser();
    const before = await levels();
    const placed = await placeUnpaid(userId, lamp);
    assert.equal(placed.status, AWAITING_PAYMENT);
    const awaited = placed.steps.find(({ status }) => status === AWAITING_PAYMENT);
    assert.ok(awaited && placed.payBy);
    assert.ok(Math.abs(millisOf(placed.payBy) - millisOf(awaited.at) - 15 * 60_000) < 5_000);
    assert.equal(await balance(userId), welcome);
    assert.equal(await frozen("halo-lamp"), 2);
    const paid = await pay(userId, placed.id);
    assert.ok(paid.status === PAID || paid.status === COMPLETED);
    const done = await ended(userId, placed.id);
    assert.deepEqual(
      done.steps.map(({ status }) => status),
      [PENDING, AWAITING_PAYMENT, PAID, COMPLETED],
    );
    assert.equal(await balance(userId), welcome - price);
    assert.equal(onHand(await levels(), "halo-lamp"), onHand(before, "halo-lamp") - 2);
    await eventually(async () => (await wallet(userId)).points === 178n, 60_000);
  });

  it("is paid once however often it is asked for under one request id, and by one request only", async () => {
    const userId = newUser();
    const { id } = await placeUnpaid(userId, lamp);
    const asked = ["same", "same", "same", "same", "same", "other", "another"];
    const answers = await Promise.allSettled(asked.map((requestId) => pay(userId, id, requestId)));
    const winners = new Set(asked.filter((_, index) => answers[index]?.status === "fulfilled"));
    assert.equal(winners.size, 1);
    for (const [index, answer] of answers.entries()) {
      assert.equal(answer.status === "fulfilled", winners.has(asked[index] ?? ""));
      if (answer.status === "rejected") assert.ok(reason("ALREADY_PAID", "PAYMENT_UNDER_WAY")(answer.reason));
    }
    await ended(userId, id);
    assert.equal(await balance(userId), welcome - price);
    await assert.rejects(pay(userId, id), reason("ALREADY_PAID"));
  });

  it("tells of its payment again when the request that paid it is repeated", async () => {
    const userId = newUser();
    const { id } = await placeUnpaid(userId, lamp);
    await pay(userId, id, "mine");
    await ended(userId, id);
    assert.equal((await pay(userId, id, "mine")).status, COMPLETED);
    await assert.rejects(pay(userId, id, ""), reason("BAD_REQUEST_ID"));
    assert.equal(await balance(userId), welcome - price);
  });

  it("stays as it is when there is not enough money, and is paid once there is", async () => {
    const userId = newUser();
    const { id } = await placeUnpaid(userId, [{ sku: "work-bench", quantity: 1 }]);
    for (const requestId of ["first", "first", "second"])
      await assert.rejects(pay(userId, id, requestId), reason("INSUFFICIENT_FUNDS"));
    const still = await orders.get({ userId, orderId: id });
    assert.deepEqual([still.status, still.cancelReason], [AWAITING_PAYMENT, ""]);
    assert.equal(await balance(userId), welcome);
    await topUp(userId, 900_000n);
    const paid = await pay(userId, id);
    await ended(userId, id);
    assert.equal(await balance(userId), welcome + 900_000n - paid.total.cents);
  });

  it("can be cancelled, gives its goods and its coupon back, and can then not be paid", async () => {
    const userId = newUser();
    const before = await levels();
    const placed = await placeUnpaid(userId, lamp, "first", "WELCOME10");
    assert.deepEqual([placed.total.cents, placed.discount.cents], [16_020n, 1_780n]);
    await assert.rejects(placeUnpaid(userId, lamp, "second", "WELCOME10"), reason("COUPON_USED"));
    const off = await orders.cancel({ userId, orderId: placed.id });
    assert.deepEqual([off.status, off.cancelReason], [CANCELLED, "CANCELLED_BY_CUSTOMER"]);
    assert.equal((await orders.cancel({ userId, orderId: placed.id })).status, CANCELLED);
    await assert.rejects(pay(userId, placed.id), reason("ORDER_CANCELLED"));
    assert.deepEqual(await levels(), before);
    assert.equal(await balance(userId), welcome);
    assert.equal((await place(userId, lamp, "third", "WELCOME10")).discount.cents, 1_780n);
  });

  it("can be called off like any other once it is paid, and gives its money back", async () => {
    const userId = newUser();
    const before = await levels();
    services.fate = (what) => (what === "event" ? "is lost" : "arrives");
    const { id: orderId } = await placeUnpaid(userId, lamp);
    await pay(userId, orderId);
    assert.equal((await orders.cancel({ userId, orderId })).status, CANCELLED);
    await assert.rejects(pay(userId, orderId), reason("ORDER_CANCELLED"));
    assert.equal(await balance(userId), welcome);
    assert.deepEqual(await levels(), before);
  });

  it("is paid by its customer only", async () => {
    const userId = newUser();
    const { id } = await placeUnpaid(userId, lamp);
    await assert.rejects(pay("somebody else", id), reason("NO_SUCH_ORDER"));
    await assert.rejects(pay(userId, "no uuid"), reason("NO_SUCH_ORDER"));
    await orders.cancel({ userId, orderId: id });
  });

  it("is placed once under one request id, which places no other", async () => {
    const userId = newUser();
    const all = await Promise.all(Array.from({ length: 5 }, () => placeUnpaid(userId, lamp, "the-same")));
    assert.equal(new Set(all.map((one) => one.id)).size, 1);
    await assert.rejects(place(userId, lamp, "the-same"), reason("REQUEST_ID_REUSED"));
    await orders.cancel({ userId, orderId: all[0]?.id ?? "" });
    assert.equal(await balance(userId), welcome);
  });

  it("is refused for lack of goods, and nothing is kept", async () => {
    const userId = newUser();
    const before = await levels();
    await assert.rejects(placeUnpaid(userId, [{ sku: "kumiko-lantern", quantity: 4 }]), reason("OUT_OF_STOCK"));
    assert.deepEqual(await levels(), before);
  });

  it("is told to who watches it: that it waits, that it is paid, and that its goods have left", async () => {
    const userId = newUser();
    const { id: orderId } = await placeUnpaid(userId, lamp);
    const seen: number[] = [];
    for await (const now of orders.watch({ userId, orderId })) {
      seen.push(now.status);
      if (seen.length === 1) void pay(userId, orderId);
    }
    assert.deepEqual([seen[0], seen.at(-1)], [AWAITING_PAYMENT, COMPLETED]);
  });
});
