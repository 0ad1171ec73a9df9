import { join } from "node:path";
import { type Context, client, defineService, publisher, store } from "@mortise/kernel";
import { Inventory, StockDeducted } from "@mortise/proto/shop/inventory";
import { type Order, OrderCancelled, OrderCompleted, OrderPaid, OrderStatus, Orders } from "@mortise/proto/shop/order";
import { Payments } from "@mortise/proto/shop/payment";
import { z } from "zod";
import { makeChanges, watch } from "../shared/changes.ts";
import { timestampOf } from "../shared/instant.ts";
import { channel, makeRelay } from "../shared/outbox.ts";
import { cut, pageSize, pageStart, pageToken } from "../shared/paging.ts";
import { refusal } from "../shared/refusal.ts";
import { type FullOrder, orderBook } from "./book.ts";
import { orderPlacing } from "./place.ts";
import { makeRecovery } from "./recovery.ts";
import { cancellable, customerReason, isFinal } from "./rules.ts";
import { outbox } from "./schema.ts";
import { orderSteps } from "./steps.ts";

/** Orders, from placing to their end. */
export const order = defineService(Orders, {
  name: "order",
  description: "Orders of the shop: place, follow, cancel, recover",
  needs: {
    store,
    inventory: client(Inventory),
    payments: client(Payments),
    paid: publisher(OrderPaid),
    completed: publisher(OrderCompleted),
    cancelled: publisher(OrderCancelled),
  },
  topics: { deducted: StockDeducted },
  options: z.strictObject({
    database: z.string().default("shop_order"),
    /** How long an order may be undecided before recovery takes it on. More than the timeout of `place`. */
    decideAfterMs: z.number().int().positive().default(10_000),
    /** How often recovery looks for such orders. */
    recoverEveryMs: z.number().int().positive().default(1_000),
    /** How often the outbox is looked through for events of a process that ended. */
    relayEveryMs: z.number().int().positive().default(500),
    /** How late a watcher may see a change made by another process. */
    watchPollMs: z.number().int().positive().default(1_000),
  }),
  setup: async ({ deps, options, ports, log }) => {
    const database = await deps.store.database(options.database);
    await database.migrate(join(import.meta.dirname, "drizzle"));
    const { inventory, payments } = deps;
    const { decideAfterMs, recoverEveryMs, relayEveryMs, watchPollMs } = options;
    const changes = makeChanges(ports);
    const book = orderBook(database.orm, decideAfterMs);
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
    const steps = orderSteps({ book, inventory, payments, ports, log, undoMs: decideAfterMs, changed });
    const place = orderPlacing({ book, steps, inventory, payments, newId: () => ports.ids.uuid() });
    const everyMs = recoverEveryMs;
    const recovery = makeRecovery({ book, steps, payments, ports, log, everyMs, stepMs: decideAfterMs });

    async function own(orderId: string, userId: string): Promise<FullOrder> {
      const found = await book.get(orderId);
      if (found?.row.userId === userId) return found;
      throw refusal("NOT_FOUND", "NO_SUCH_ORDER", "There is no such order.", { orderId });
    }

    return {
      handlers: {
        place: async (request, call) => toOrder(await place(request, call)),
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
        cancel: async ({ orderId, userId }, call) => {
          await own(orderId, userId);
          await steps.callOff(orderId, cancellable, customerReason, call);
          const now = await own(orderId, userId);
          if (now.row.status !== "COMPLETED") return toOrder(now);
          throw refusal("FAILED_PRECONDITION", "NOT_CANCELLABLE", "The goods have left already.", { orderId });
        },
        watch: ({ orderId, userId }, call) => watched(orderId, userId, call),
      },
      on: {
        deducted: async ({ orderId }, call) => {
          await steps.complete(orderId, call);
        },
      },
      ready: () => {
        relay.start();
        recovery.start();
      },
      stop: async () => {
        await Promise.all([relay.stop(), recovery.stop()]);
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
  const { id, userId, cancelReason, traceId, currency } = row;
  return {
    id,
    userId,
    cancelReason,
    traceId,
    status: OrderStatus[row.status],
    lines: lines.map(({ sku, name, image, quantity, unitCents }) => ({
      sku,
      name,
      image,
      quantity,
      unitPrice: { cents: unitCents, currency },
    })),
    total: { cents: row.totalCents, currency },
    createdAt: timestampOf(row.createdAt),
    steps: steps.map((step) => ({ status: OrderStatus[step.status], at: timestampOf(step.at) })),
  };
}
