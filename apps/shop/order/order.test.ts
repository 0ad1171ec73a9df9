import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { StatusError } from "@mortise/kernel";
import { OrderStatus } from "@mortise/proto/shop/order";
import { onHand, testOrders } from "./orders.fixture.ts";

const { services, store, orders, newUser, place, ended, settle, balance, levels } = await testOrders({
  watchPollMs: 20,
});
const welcome = 50_000n;
const reason = (expected: string) => (error: unknown) => error instanceof StatusError && error.reason === expected;

afterEach(settle);

describe("placing an order", () => {
  it("takes the money, takes the goods, and goes on by events until they have left", async () => {
    const userId = newUser();
    const before = await levels();
    const placed = await place(userId, [{ sku: "halo-lamp", quantity: 2 }]);
    assert.equal(placed.total.cents, 17_800n);
    const done = await ended(userId, placed.id);
    assert.equal(done.status, OrderStatus.COMPLETED);
    assert.deepEqual(
      done.steps.map((step) => step.status),
      [OrderStatus.PENDING, OrderStatus.PAID, OrderStatus.COMPLETED],
    );
    const now = await levels();
    assert.equal(onHand(now, "halo-lamp"), onHand(before, "halo-lamp") - 2);
    assert.equal(await balance(userId), welcome - 17_800n);
  });

  it("places one order however often it is asked to under one request id", async () => {
    const userId = newUser();
    const items = [{ sku: "two-cups", quantity: 1 }];
    const all = await Promise.all(Array.from({ length: 5 }, () => place(userId, items, "the-same")));
    assert.equal(new Set(all.map((one) => one.id)).size, 1);
    assert.equal((await orders.list({ userId, pageSize: 0, pageToken: "" })).orders.length, 1);
    await ended(userId, all[0]?.id ?? "");
    assert.equal(await balance(userId), welcome - 2_800n);
    await assert.rejects(place(userId, [{ sku: "two-cups", quantity: 2 }], "the-same"), reason("REQUEST_ID_REUSED"));
  });

  it("says in time that an order is not decided yet, and gives it to who asks again", async () => {
    const userId = newUser();
    const asking = () => place(userId, [{ sku: "two-cups", quantity: 1 }], "held-up");
    const { sql } = await store.database("shop_inventory");
    await sql.begin(async (tx) => {
      await tx`select from stock where sku = 'two-cups' for update`;
      await assert.rejects(asking(), reason("STILL_PLACING"));
    });
    const { id } = await asking();
    assert.equal((await ended(userId, id)).status, OrderStatus.COMPLETED);
    assert.equal(await balance(userId), welcome - 2_800n);
  });

  it("leaves stock and money unchanged to the cent when there is too little of either", async () => {
    const userId = newUser();
    const before = await levels();
    const tooMany = [
      { sku: "two-cups", quantity: 1 },
      { sku: "kumiko-lantern", quantity: 4 },
    ];
    await assert.rejects(place(userId, tooMany), reason("OUT_OF_STOCK"));
    await assert.rejects(place(userId, [{ sku: "work-bench", quantity: 1 }]), reason("INSUFFICIENT_FUNDS"));
    assert.deepEqual(await levels(), before);
    assert.equal(await balance(userId), welcome);
    const { orders: kept } = await orders.list({ userId, pageSize: 0, pageToken: "" });
    assert.deepEqual(
      kept.map((one) => [one.status, one.cancelReason]),
      [
        [OrderStatus.CANCELLED, "INSUFFICIENT_FUNDS"],
        [OrderStatus.CANCELLED, "OUT_OF_STOCK"],
      ],
    );
  });

  it("takes a coupon off the price, once for each customer, and gives it back with the order", async () => {
    const userId = newUser();
    const items = [{ sku: "halo-lamp", quantity: 1 }];
    services.fate = (what) => (what === "event" ? "is lost" : "arrives");
    const first = await place(userId, items, "first", "WELCOME10");
    assert.deepEqual([first.total.cents, first.discount.cents, first.coupon], [8_010n, 890n, "WELCOME10"]);
    await assert.rejects(place(userId, items, "second", "WELCOME10"), reason("COUPON_USED"));
    await assert.rejects(place(userId, items, "third", "NOTHING"), reason("NO_SUCH_COUPON"));
    await orders.cancel({ userId, orderId: first.id });
    services.fate = () => "arrives";
    const again = await place(userId, items, "fourth", "WELCOME10");
    assert.equal(again.discount.cents, 890n);
    assert.equal(await balance(userId), welcome - 8_010n);
  });

  it("keeps the coupon of an order that is refused", async () => {
    const userId = newUser();
    await assert.rejects(
      place(userId, [{ sku: "work-bench", quantity: 1 }], "a", "BIG20"),
      reason("INSUFFICIENT_FUNDS"),
    );
    const small = [{ sku: "halo-lamp", quantity: 1 }];
    await assert.rejects(place(userId, small, "b", "BIG20"), reason("COUPON_MINIMUM"));
    assert.equal((await place(userId, [{ sku: "halo-lamp", quantity: 3 }], "c", "BIG20")).discount.cents, 5_340n);
  });

  it("gives the same refusal again when a refused request is repeated", async () => {
    const userId = newUser();
    const items = [{ sku: "wren-house", quantity: 1 }];
    await assert.rejects(place(userId, items, "again"), reason("OUT_OF_STOCK"));
    await assert.rejects(place(userId, items, "again"), reason("OUT_OF_STOCK"));
  });
});

describe("an order", () => {
  it("is not found by anybody else", async () => {
    const userId = newUser();
    const { id: orderId } = await place(userId, [{ sku: "brass-pen", quantity: 1 }]);
    for (const method of [orders.get, orders.cancel])
      await assert.rejects(async () => method({ userId: "somebody else", orderId }), reason("NO_SUCH_ORDER"));
    await assert.rejects(async () => orders.get({ userId, orderId: "no uuid" }), reason("NO_SUCH_ORDER"));
  });

  it("can be called off until its goods have left, and all comes back", async () => {
    const userId = newUser();
    const before = await levels();
    services.fate = (what) => (what === "event" ? "is lost" : "arrives");
    const { id: orderId } = await place(userId, [{ sku: "field-blanket", quantity: 3 }]);
    const off = await orders.cancel({ userId, orderId });
    assert.deepEqual([off.status, off.cancelReason], [OrderStatus.CANCELLED, "CANCELLED_BY_CUSTOMER"]);
    assert.equal((await orders.cancel({ userId, orderId })).status, OrderStatus.CANCELLED);
    assert.equal(await balance(userId), welcome);
    assert.deepEqual(await levels(), before);
  });

  it("can not be called off once its goods have left", async () => {
    const userId = newUser();
    const { id: orderId } = await place(userId, [{ sku: "field-blanket", quantity: 1 }]);
    await ended(userId, orderId);
    await assert.rejects(orders.cancel({ userId, orderId }), reason("NOT_CANCELLABLE"));
    assert.equal(await balance(userId), welcome - 9_800n);
  });

  it("is told to who watches it until it is final", async () => {
    const userId = newUser();
    const { id: orderId } = await place(userId, [{ sku: "grid-notebook", quantity: 1 }]);
    const seen: number[] = [];
    for await (const now of orders.watch({ userId, orderId })) seen.push(now.status);
    assert.equal(seen.at(-1), OrderStatus.COMPLETED);
    assert.deepEqual(seen, [...new Set(seen)]);
  });

  it("is listed from the newest to the oldest, page by page", async () => {
    const userId = newUser();
    const placed: string[] = [];
    for (let index = 0; index < 5; index++)
      placed.unshift((await place(userId, [{ sku: "grid-notebook", quantity: 1 }])).id);
    const listed: string[] = [];
    let pageToken = "";
    do {
      const page = await orders.list({ userId, pageSize: 2, pageToken });
      listed.push(...page.orders.map((one) => one.id));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    assert.deepEqual(listed, placed);
  });
});
