import type { Context } from "@mortise/kernel";
import { operationConformance } from "@mortise/kernel/testing/operations";
import { OrderCancelled, OrderOperations, OrderPaid } from "@mortise/proto/shop/order";
import { asc, count, ne } from "drizzle-orm";
import fc from "fast-check";
import { serviceDatabase } from "../shared/database.fixture.ts";
import { post } from "../shared/outbox.ts";
import { type Along, orderBook } from "./book.ts";
import { orderOperations } from "./operations.ts";
import { orders, outbox } from "./schema.ts";

const database = await serviceDatabase("order");
const telling =
  (topic: typeof OrderPaid) =>
  (call: Context): Along =>
  (tx, { id, userId, totalCents: cents, currency }) =>
    post(tx, outbox, topic, { orderId: id, userId, total: { cents, currency } }, call);

const orderId = fc.uuid();
const userId = fc.constantFrom("ann", "stranger");
const price = fc.record({ cents: fc.bigInt({ min: 1n, max: 9_999n }), currency: fc.constant("EUR") });
const line = fc.record({
  sku: fc.constantFrom("chair", "table"),
  name: fc.constant("A thing"),
  image: fc.constant("thing.webp"),
  quantity: fc.integer({ min: 1, max: 9 }),
  unitPrice: price,
});
const toPlace = fc.record({
  id: orderId,
  userId,
  requestId: fc.uuid(),
  lines: fc.array(line, { minLength: 1, maxLength: 3 }),
  total: price,
  traceId: fc.constant(""),
  coupon: fc.constant(""),
  discount: fc.constant({ cents: 0n, currency: "EUR" }),
});

interface Seen {
  readonly standing: readonly unknown[];
  readonly told: readonly { readonly topic: string; readonly times: number }[];
}

/** An order that was undone has been told of twice: that it stands, and that it does not. */
function toldTwice({ standing, told }: Seen): Seen {
  const times = new Map(told.map((one) => [one.topic, one.times]));
  for (const { name } of [OrderPaid, OrderCancelled]) times.set(name, (times.get(name) ?? 0) + 1);
  return { standing, told: [...times].map(([topic, times]) => ({ topic, times })).sort(byTopic) };
}

const byTopic = (a: { readonly topic: string }, b: { readonly topic: string }) => (a.topic < b.topic ? -1 : 1);

operationConformance<typeof OrderOperations, Seen>({
  operations: OrderOperations,
  perform: ({ orm }) =>
    orderOperations({
      book: orderBook(orm, 10_000),
      paid: telling(OrderPaid),
      cancelled: telling(OrderCancelled),
      changed: () => undefined,
    }),
  on: async () => ({ database }),
  inputs: { open: toPlace, callOff: fc.record({ userId, orderId }) },
  given: {
    callOff: async ({ orm }, order) => {
      if (order.userId === "stranger") return; // there is none to be called off
      const total = { cents: 100n, currency: "EUR" };
      const requestId = order.orderId;
      const placed = { id: order.orderId, userId: "ann", requestId, coupon: "", traceId: "" };
      await orm
        .insert(orders)
        .values({ ...placed, totalCents: total.cents, currency: total.currency, status: "PAID" })
        .onConflictDoNothing();
    },
  },
  // A cancelled order is kept to be seen, and stands for nothing.
  observe: async ({ orm }): Promise<Seen> => ({
    standing: await orm
      .select({ id: orders.id, status: orders.status, reason: orders.cancelReason })
      .from(orders)
      .where(ne(orders.status, "CANCELLED"))
      .orderBy(asc(orders.id)),
    told: (await orm.select({ topic: outbox.topic, times: count() }).from(outbox).groupBy(outbox.topic)).sort(byTopic),
  }),
  undoLeaves: { open: toldTwice },
});
