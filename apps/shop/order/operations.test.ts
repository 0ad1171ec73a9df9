import type { Context, TransactionHandle } from "@mortise/kernel";
import { operationConformance } from "@mortise/kernel/testing/operations";
import { OrderCancelled, OrderOperations, OrderPaid, type OrderToPlace } from "@mortise/proto/shop/order";
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
  payLater: fc.boolean(),
});
const requestId = fc.uuid();
const reason = fc.constant("PAYMENT_EXPIRED");

interface Seen {
  readonly standing: readonly unknown[];
  readonly told: readonly { readonly topic: string; readonly times: number }[];
}

/** An order that was undone has been told of: that it stands, if it was paid, and that it does not. */
function toldOf({ standing, told }: Seen, { payLater }: OrderToPlace): Seen {
  const times = new Map(told.map((one) => [one.topic, one.times]));
  for (const { name } of payLater ? [OrderCancelled] : [OrderPaid, OrderCancelled])
    times.set(name, (times.get(name) ?? 0) + 1);
  return { standing, told: [...times].map(([topic, times]) => ({ topic, times })).sort(byTopic) };
}

const byTopic = (a: { readonly topic: string }, b: { readonly topic: string }) => (a.topic < b.topic ? -1 : 1);

async function placed({ orm }: TransactionHandle, id: string, status: "PAID" | "AWAITING_PAYMENT"): Promise<void> {
  const total = { totalCents: 100n, currency: "EUR" };
  const order = { id, userId: "ann", requestId: id, coupon: "", traceId: "", ...total, status };
  await orm.insert(orders).values(order).onConflictDoNothing();
}

operationConformance<typeof OrderOperations, Seen>({
  operations: OrderOperations,
  perform: ({ orm }) =>
    orderOperations({
      book: orderBook(orm, { remindAfterMs: 10_000, payWithinMs: 10_000, dropAgainMs: 10_000 }),
      paid: telling(OrderPaid),
      cancelled: telling(OrderCancelled),
      changed: () => undefined,
    }),
  on: async () => ({ database }),
  inputs: {
    open: toPlace,
    callOff: fc.record({ userId, orderId }),
    pay: fc.record({ userId, orderId, amount: price, requestId }),
    drop: fc.record({ userId, orderId, reason }),
  },
  given: {
    callOff: async (tx, order) => {
      if (order.userId === "stranger") return; // there is none to be called off
      await placed(tx, order.orderId, "PAID");
    },
    pay: (tx, order) => placed(tx, order.orderId, "AWAITING_PAYMENT"),
    drop: (tx, order) => placed(tx, order.orderId, "AWAITING_PAYMENT"),
  },
  // A cancelled order is kept to be seen, and stands for nothing.
  observe: async ({ orm }): Promise<Seen> => ({
    standing: await orm
      .select({ id: orders.id, status: orders.status, reason: orders.cancelReason, paidBy: orders.paymentRequest })
      .from(orders)
      .where(ne(orders.status, "CANCELLED"))
      .orderBy(asc(orders.id)),
    told: (await orm.select({ topic: outbox.topic, times: count() }).from(outbox).groupBy(outbox.topic)).sort(byTopic),
  }),
  undoLeaves: { open: toldOf },
});
