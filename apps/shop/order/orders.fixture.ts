import assert from "node:assert/strict";
import { after } from "node:test";
import { type Client, type Store, systemPorts } from "@mortise/kernel";
import { eventually } from "@mortise/kernel/testing";
import { Inventory, type Stock, StockDeducted } from "@mortise/proto/shop/inventory";
import { Marketing } from "@mortise/proto/shop/marketing";
import {
  type Item,
  type Order,
  OrderCancelled,
  OrderCompleted,
  OrderPaid,
  OrderStatus,
  Orders,
} from "@mortise/proto/shop/order";
import { type Entry, Payments, type Wallet } from "@mortise/proto/shop/payment";
import { inventory } from "../inventory/inventory.ts";
import { seedProducts } from "../inventory/seed.ts";
import { marketing } from "../marketing/marketing.ts";
import { payment } from "../payment/payment.ts";
import { initiatorsOf, Services, testStore, testTransactions } from "../shared/services.fixture.ts";
import { order } from "./order.ts";

/** The order service with the two it needs, on a real database, and what tests ask of them. */
export interface TestOrders {
  readonly services: Services;
  readonly store: Store;
  readonly orders: Client<typeof Orders>;
  /** A customer with a new wallet. */
  readonly newUser: () => string;
  readonly place: (userId: string, items: readonly Item[], requestId?: string, coupon?: string) => Promise<Order>;
  /** Places one that is to be paid later. */
  readonly placeUnpaid: TestOrders["place"];
  readonly pay: (userId: string, orderId: string, requestId?: string) => Promise<Order>;
  readonly initiators: ReturnType<typeof initiatorsOf>;
  readonly all: (userId: string) => Promise<readonly Order[]>;
  /** Resolves once the order is final. */
  readonly ended: (userId: string, orderId: string) => Promise<Order>;
  /** Resolves once every order of every customer is final, and lets everything arrive from now on. */
  readonly settle: () => Promise<void>;
  readonly wallet: (userId: string) => Promise<Wallet>;
  /** In cents. */
  readonly balance: (userId: string) => Promise<bigint>;
  readonly topUp: (userId: string, cents: bigint) => Promise<void>;
  /** Of the journal, the newest first. */
  readonly entries: (userId: string) => Promise<readonly Entry[]>;
  readonly levels: () => Promise<readonly Stock[]>;
  /** Resolves once the levels are these: what is given back may come a moment after the order has ended. */
  readonly levelsBecome: (expected: readonly Stock[]) => Promise<void>;
}

export interface TestOrdersHow {
  /** How many copies of the order service share its database; the first answers calls. Default 1. */
  readonly processes?: number;
  /** After which silence transactions are taken over from each other. Default 300. */
  readonly leaseMs?: number;
}

export async function testOrders(
  options: Readonly<Record<string, number>>,
  { processes = 1, leaseMs }: TestOrdersHow = {},
): Promise<TestOrders> {
  const services = new Services();
  const store = await testStore();
  after(() => services.stop());
  const [stock, payments, orders] = [services.client(Inventory), services.client(Payments), services.client(Orders)];
  const events = {
    paid: services.publisher(OrderPaid),
    completed: services.publisher(OrderCompleted),
    cancelled: services.publisher(OrderCancelled),
  };
  const api = await testTransactions(services, leaseMs);
  const performing = async () => ({ "(operations)": await testTransactions(services, leaseMs) });
  await services.start(payment, { store, ...(await performing()) });
  await services.start(inventory, { store, deducted: services.publisher(StockDeducted), ...(await performing()) });
  const coupons = services.client(Marketing);
  await services.start(marketing, { store, ...(await performing()) });
  for (let count = 0; count < processes; count++) {
    const own = count === 0 ? api : await testTransactions(services, leaseMs);
    const needs = { store, inventory: stock, marketing: coupons, ...events };
    await services.start(order, { ...needs, ...initiatorsOf(own), "(operations)": own }, options);
  }
  await services.ready();
  const skus = seedProducts.map((product) => product.sku);
  const users: string[] = [];

  const levels = async () => (await stock.getStock({ skus })).levels;
  const all = async (userId: string) => (await orders.list({ userId, pageSize: 100, pageToken: "" })).orders;
  const ended = (userId: string, orderId: string) =>
    eventually(async () => {
      const now = await orders.get({ userId, orderId });
      return now.status === OrderStatus.COMPLETED || now.status === OrderStatus.CANCELLED ? now : undefined;
    }, 60_000);

  return {
    services,
    store,
    orders,
    all,
    ended,
    newUser: () => {
      const userId = systemPorts.ids.uuid();
      users.push(userId);
      return userId;
    },
    initiators: initiatorsOf(api),
    place: (userId, items, requestId = systemPorts.ids.uuid(), coupon = "") =>
      orders.place({ userId, requestId, items, coupon, payLater: false }),
    placeUnpaid: (userId, items, requestId = systemPorts.ids.uuid(), coupon = "") =>
      orders.place({ userId, requestId, items, coupon, payLater: true }),
    pay: (userId, orderId, requestId = systemPorts.ids.uuid()) => orders.pay({ userId, orderId, requestId }),
    settle: async () => {
      services.fate = () => "arrives";
      for (const userId of users.splice(0)) for (const { id } of await all(userId)) await ended(userId, id);
    },
    wallet: (userId) => payments.getWallet({ userId }),
    balance: async (userId) => (await payments.getWallet({ userId })).balance.cents,
    topUp: async (userId, cents) => {
      await payments.topUp({ userId, amount: { cents, currency: "EUR" }, requestId: systemPorts.ids.uuid() });
    },
    entries: async (userId) => (await payments.listEntries({ userId, pageSize: 100, pageToken: "" })).entries,
    levels,
    levelsBecome: async (expected) => {
      await eventually(async () => {
        assert.deepEqual(await levels(), expected);
        return true;
      }, 60_000);
    },
  };
}

/** How many of a product are in the house. */
export function onHand(levels: readonly Stock[], sku: string): number {
  return levels.find((level) => level.sku === sku)?.onHand ?? 0;
}
