import assert from "node:assert/strict";
import { after, afterEach, describe, it } from "node:test";
import { StatusError, systemPorts } from "@mortise/kernel";
import { eventually } from "@mortise/kernel/testing";
import { Inventory, type Stock, StockDeducted } from "@mortise/proto/shop/inventory";
import { type Order, OrderCancelled, OrderCompleted, OrderPaid, OrderStatus, Orders } from "@mortise/proto/shop/order";
import { Payments } from "@mortise/proto/shop/payment";
import fc from "fast-check";
import { inventory } from "../inventory/inventory.ts";
import { seedProducts } from "../inventory/seed.ts";
import { payment } from "../payment/payment.ts";
import { type Fate, Services, testStore } from "../shared/services.fixture.ts";
import { order } from "./order.ts";

const services = new Services();
const store = await testStore();
after(() => services.stop());
const [stock, payments, orders] = [services.client(Inventory), services.client(Payments), services.client(Orders)];
const publishers = {
  paid: services.publisher(OrderPaid),
  completed: services.publisher(OrderCompleted),
  cancelled: services.publisher(OrderCancelled),
};
const impatient = { decideAfterMs: 60, recoverEveryMs: 10, relayEveryMs: 10, watchPollMs: 20 };
await services.start(payment, { store });
await services.start(inventory, { store, deducted: services.publisher(StockDeducted) }, { relayEveryMs: 10 });
await services.start(order, { store, inventory: stock, payments, ...publishers }, impatient);
await services.ready();

const allSkus = seedProducts.map((product) => product.sku);
const welcome = 50_000n;
const users: string[] = [];
let made = 0;
function newUser(): string {
  const userId = `customer-${++made}`;
  users.push(userId);
  return userId;
}
const reason = (expected: string) => (error: unknown) => error instanceof StatusError && error.reason === expected;
const levels = async () => (await stock.getStock({ skus: allSkus })).levels;
const balance = async (userId: string) => (await payments.getWallet({ userId })).balance.cents;
const onHand = (all: readonly Stock[], sku: string) => all.find((level) => level.sku === sku)?.onHand ?? 0;

function place(
  userId: string,
  items: readonly { sku: string; quantity: number }[],
  requestId: string = systemPorts.ids.uuid(),
) {
  return orders.place({ userId, requestId, items });
}

async function ended(userId: string, orderId: string): Promise<Order> {
  return eventually(async () => {
    const now = await orders.get({ userId, orderId });
    return now.status === OrderStatus.COMPLETED || now.status === OrderStatus.CANCELLED ? now : undefined;
  }, 10_000);
}

async function allOrders(userId: string): Promise<readonly Order[]> {
  return (await orders.list({ userId, pageSize: 100, pageToken: "" })).orders;
}

afterEach(async () => {
  services.fate = () => "arrives";
  for (const userId of users.splice(0)) for (const { id } of await allOrders(userId)) await ended(userId, id);
});

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
    for await (const now of await (orders.watch({ userId, orderId }) as unknown as Promise<AsyncIterable<Order>>))
      seen.push(now.status);
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

describe("whatever is lost between the services", () => {
  it("no confirmed order is lost, nothing stays frozen, and money and goods add up", async () => {
    const fates = fc.infiniteStream(fc.constantFrom<Fate>("arrives", "arrives", "is lost", "loses its answer"));
    const items = fc.array(
      fc.record({
        sku: fc.constantFrom("stone-vase", "hand-trowel", "ledge-shelf"),
        quantity: fc.integer({ min: 1, max: 2 }),
      }),
      { minLength: 1, maxLength: 3 },
    );
    const carts = fc.array(items, { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fates, carts, async (stream, wanted) => {
        const before = await levels();
        const userId = newUser();
        services.fate = () => stream.next().value ?? "arrives";
        const answers = await Promise.allSettled(wanted.map((cart) => place(userId, cart)));
        services.fate = () => "arrives";
        const kept = await allOrders(userId);
        const ends = await Promise.all(kept.map((one) => ended(userId, one.id)));
        const completed = ends.filter((one) => one.status === OrderStatus.COMPLETED);
        for (const answer of answers) {
          if (answer.status === "rejected" || answer.value.status === OrderStatus.PENDING) continue;
          assert.ok(
            completed.some((one) => one.id === answer.value.id),
            "a confirmed order was lost",
          );
        }
        const spent = completed.reduce((sum, one) => sum + one.total.cents, 0n);
        assert.equal(await balance(userId), welcome - spent);
        for (const level of await levels()) {
          const sold = completed.flatMap((one) => one.lines).filter((line) => line.sku === level.sku);
          const left = onHand(before, level.sku) - sold.reduce((sum, line) => sum + line.quantity, 0);
          assert.deepEqual(level, { sku: level.sku, onHand: left, frozen: 0 });
        }
        await restock();
      }),
      { numRuns: 30 },
    );
  });

  async function restock(): Promise<void> {
    const { sql } = await store.database("shop_inventory");
    await sql`update stock set on_hand = 60 where sku in ('stone-vase', 'hand-trowel', 'ledge-shelf')`;
  }
});
