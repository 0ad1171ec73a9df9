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
import { Payments } from "@mortise/proto/shop/payment";
import { cancelOrder, placeOrder } from "@mortise/proto/shop/transactions";
import { inventory } from "../inventory/inventory.ts";
import { seedProducts } from "../inventory/seed.ts";
import { marketing } from "../marketing/marketing.ts";
import { payment } from "../payment/payment.ts";
import { Services, testStore, testTransactions } from "../shared/services.fixture.ts";
import { order } from "./order.ts";

/** The order service with the two it needs, on a real database, and what tests ask of them. */
export interface TestOrders {
  readonly services: Services;
  readonly store: Store;
  readonly orders: Client<typeof Orders>;
  /** A customer with a new wallet. */
  readonly newUser: () => string;
  readonly place: (userId: string, items: readonly Item[], requestId?: string, coupon?: string) => Promise<Order>;
  readonly all: (userId: string) => Promise<readonly Order[]>;
  /** Resolves once the order is final. */
  readonly ended: (userId: string, orderId: string) => Promise<Order>;
  /** Resolves once every order of every customer is final, and lets everything arrive from now on. */
  readonly settle: () => Promise<void>;
  /** In cents. */
  readonly balance: (userId: string) => Promise<bigint>;
  readonly levels: () => Promise<readonly Stock[]>;
}

export async function testOrders(options: Readonly<Record<string, number>>): Promise<TestOrders> {
  const services = new Services();
  const store = await testStore();
  after(() => services.stop());
  const [stock, payments, orders] = [services.client(Inventory), services.client(Payments), services.client(Orders)];
  const events = {
    paid: services.publisher(OrderPaid),
    completed: services.publisher(OrderCompleted),
    cancelled: services.publisher(OrderCancelled),
  };
  const api = await testTransactions(services);
  const initiators = { placeOrder: api.initiator(placeOrder), cancelOrder: api.initiator(cancelOrder) };
  const performing = async () => ({ "(operations)": await testTransactions(services) });
  await services.start(payment, { store, ...(await performing()) });
  await services.start(inventory, { store, deducted: services.publisher(StockDeducted), ...(await performing()) });
  const coupons = services.client(Marketing);
  await services.start(marketing, { store, ...(await performing()) });
  await services.start(
    order,
    { store, inventory: stock, marketing: coupons, ...initiators, ...events, "(operations)": api },
    options,
  );
  await services.ready();
  const skus = seedProducts.map((product) => product.sku);
  const users: string[] = [];

  const all = async (userId: string) => (await orders.list({ userId, pageSize: 100, pageToken: "" })).orders;
  const ended = (userId: string, orderId: string) =>
    eventually(async () => {
      const now = await orders.get({ userId, orderId });
      return now.status === OrderStatus.COMPLETED || now.status === OrderStatus.CANCELLED ? now : undefined;
    }, 10_000);

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
    place: (userId, items, requestId = systemPorts.ids.uuid(), coupon = "") =>
      orders.place({ userId, requestId, items, coupon }),
    settle: async () => {
      services.fate = () => "arrives";
      for (const userId of users.splice(0)) for (const { id } of await all(userId)) await ended(userId, id);
    },
    balance: async (userId) => (await payments.getWallet({ userId })).balance.cents,
    levels: async () => (await stock.getStock({ skus })).levels,
  };
}

/** How many of a product are in the house. */
export function onHand(levels: readonly Stock[], sku: string): number {
  return levels.find((level) => level.sku === sku)?.onHand ?? 0;
}
