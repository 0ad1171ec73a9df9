import { join } from "node:path";
import { type Context, client, defineService, initiates, publisher, store, type TopicType } from "@mortise/kernel";
import { Inventory, StockDeducted } from "@mortise/proto/shop/inventory";
import { Marketing } from "@mortise/proto/shop/marketing";
import {
  type Order,
  OrderCancelled,
  OrderCompleted,
  type OrderEvent,
  OrderOperations,
  OrderPaid,
  OrderStatus,
  Orders,
} from "@mortise/proto/shop/order";
import { cancelOrder, dropOrder, holdOrder, payOrder, placeOrder } from "@mortise/proto/shop/transactions";
import { z } from "zod";
import { makeChanges, watch } from "../shared/changes.ts";
import { timestampOf } from "../shared/instant.ts";
import { channel, makeRelay, post } from "../shared/outbox.ts";
import { cut, pageSize, pageStart, pageToken } from "../shared/paging.ts";
import { refusal } from "../shared/refusal.ts";
import { type Along, type FullOrder, type OrderRow, orderBook } from "./book.ts";
import { orderCancelling } from "./cancel.ts";
import { makeExpiry } from "./expiry.ts";
import { orderOperations } from "./operations.ts";
import { orderPaying } from "./pay.ts";
import { orderPlacing } from "./place.ts";
import { makeReminder } from "./reminder.ts";
import { isFinal } from "./rules.ts";
import { outbox } from "./schema.ts";

/** Orders, from placing to their end. */
export const order = defineService(Orders, {
  name: "order",
  description: "Orders of the shop: place, pay, follow, cancel",
  needs: {
    store,
    inventory: client(Inventory),
    marketing: client(Marketing),
    placeOrder: initiates(placeOrder),
    holdOrder: initiates(holdOrder),
    payOrder: initiates(payOrder),
    dropOrder: initiates(dropOrder),
    cancelOrder: initiates(cancelOrder),
    paid: publisher(OrderPaid),
    completed: publisher(OrderCompleted),
    cancelled: publisher(OrderCancelled),
  },
  topics: { deducted: StockDeducted },
  operations: OrderOperations,
  options: z.strictObject({
    database: z.string().default("shop_order"),
    /** How long after an order stands, and again after that, it is told of once more if its goods do not leave. */
    remindAfterMs: z.number().int().positive().default(10_000),
    /** How often such orders are looked for. */
    remindEveryMs: z.number().int().positive().default(1_000),
    /** How long an order that is paid later awaits its payment, in milliseconds; then it is cancelled. */
    payWithinMs: z
      .number()
      .int()
      .positive()
      .default(15 * 60_000),
    /** How often orders are looked for that were not paid in time. */
    expireEveryMs: z.number().int().positive().default(1_000),
    /** How long one attempt to cancel such an order may take; then it is tried again. */
    dropAgainMs: z.number().int().positive().default(5_000),
    /** How often the outbox is looked through for events of a process that ended. */
    relayEveryMs: z.number().int().positive().default(500),
    /** How late a watcher may see a change made by another process. */
    watchPollMs: z.number().int().positive().default(1_000),
  }),
  setup: async ({ deps, options, ports, log }) => {
    const database = await deps.store.database(options.database);
    await database.migrate(join(import.meta.dirname, "drizzle"));
    const { remindEveryMs, expireEveryMs, dropAgainMs, relayEveryMs, watchPollMs } = options;
    const changes = makeChanges(ports);
    const book = orderBook(database.orm, options);
    const channels = [
      channel(OrderPaid, deps.paid),
      channel(OrderCompleted, deps.completed),
      channel(OrderCancelled, deps.cancelled),
    ];
    const relay = makeRelay({ database, service: "order", outbox, channels, ports, log, everyMs: relayEveryMs });
    const changed = () => {
      relay.wake();
      changes.notify();
    };
    const newId = () => ports.ids.uuid();
    const place = orderPlacing({ ...deps, book, newId });
    const pay = orderPaying({ ...deps, book, own });
    const cancel = orderCancelling({ ...deps, own });
    const announce = (order: OrderRow, call: Context) =>
      database.orm.transaction((tx) => announcement(OrderPaid, call)(tx, order));
    const reminder = makeReminder({ book, ports, log, everyMs: remindEveryMs, announce });
    const { dropOrder } = deps;
    const expiry = makeExpiry({ book, ports, log, everyMs: expireEveryMs, timeoutMs: dropAgainMs, dropOrder });
    const workers = [relay, reminder, expiry];

    async function own(orderId: string, userId: string): Promise<FullOrder> {
      const found = await book.get(orderId);
      if (found?.row.userId === userId) return found;
      throw refusal("NOT_FOUND", "NO_SUCH_ORDER", "There is no such order.", { orderId });
    }

    return {
      handlers: {
        place: async (request, call) => toOrder(await place(request, call).finally(changed)),
        pay: async (request, call) => toOrder(await pay(request, call).finally(changed)),
        cancel: async (key, call) => toOrder(await cancel(key, call).finally(changed)),
        get: async ({ orderId, userId }) => toOrder(await own(orderId, userId)),
        list: async (query) => {
          const size = pageSize(query.pageSize, 20);
          const { rows, more } = cut(await book.list(query.userId, startOf(query.pageToken), size + 1), size);
          const last = rows.at(-1);
          return {
            orders: rows.map(toOrder),
            nextPageToken: more && last ? pageToken([String(last.row.number)]) : "",
          };
        },
        watch: ({ orderId, userId }, call) => watched(orderId, userId, call),
      },
      on: {
        deducted: async ({ orderId }, call) => {
          const along = announcement(OrderCompleted, call);
          await database.orm.transaction((tx) => book.move(tx, orderId, { from: ["PAID"], to: "COMPLETED", along }));
          changed();
        },
      },
      perform: {
        on: database,
        operations: orderOperations({
          book,
          changed,
          paid: (call) => announcement(OrderPaid, call),
          cancelled: (call) => announcement(OrderCancelled, call),
        }),
      },
      ready: () => {
        for (const worker of workers) worker.start();
      },
      stop: async () => {
        await Promise.all(workers.map((worker) => worker.stop()));
      },
    };

    async function* watched(orderId: string, userId: string, call: Context): AsyncGenerator<Order> {
      const orders = watch(
        {
          read: () => own(orderId, userId),
          version: ({ row }) => row.status,
          final: ({ row }) => isFinal(row.status),
          changes,
          pollMs: watchPollMs,
        },
        call,
      );
      for await (const found of orders) yield toOrder(found);
    }
  },
});

function startOf(token: string): bigint | undefined {
  const [number] = pageStart(token, 1) ?? [];
  if (number === undefined) return undefined;
  if (/^\d{1,18}$/.test(number)) return BigInt(number);
  throw refusal("INVALID_ARGUMENT", "BAD_PAGE_TOKEN", "pageToken is not one that a page of this list gave");
}

function toOrder({ row, lines, steps }: FullOrder): Order {
  const { id, userId, cancelReason, traceId, paymentTraceId, currency } = row;
  return {
    id,
    userId,
    cancelReason,
    traceId,
    paymentTraceId,
    status: OrderStatus[row.status],
    lines: lines.map(({ sku, name, image, quantity, unitCents }) => ({
      sku,
      name,
      image,
      quantity,
      unitPrice: { cents: unitCents, currency },
    })),
    total: { cents: row.totalCents, currency },
    coupon: row.coupon,
    discount: { cents: row.discountCents, currency },
    createdAt: timestampOf(row.createdAt),
    ...(row.payBy && { payBy: timestampOf(row.payBy) }),
    steps: steps.map((step) => ({ status: OrderStatus[step.status], at: timestampOf(step.at) })),
  };
}

function announcement(topic: TopicType<OrderEvent>, call: Context): Along {
  return (tx, { id, userId, totalCents, currency }) =>
    post(tx, outbox, topic, { orderId: id, userId, total: { cents: totalCents, currency } }, call);
}
