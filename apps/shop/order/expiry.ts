import { type Initiator, type Log, makeWorker, type Ports, type Worker } from "@mortise/kernel";
import type { dropOrder } from "@mortise/proto/shop/transactions";
import type { OrderBook, OrderRow } from "./book.ts";
import { traced } from "./reminder.ts";
import { expiredReason } from "./rules.ts";

export interface ExpiryOptions {
  readonly book: OrderBook;
  readonly ports: Ports;
  readonly log: Log;
  readonly everyMs: number;
  /** How long one is waited for; it is tried again later. */
  readonly timeoutMs: number;
  readonly dropOrder: Initiator<typeof dropOrder>;
}

const batch = 50;

/**
 * Drops orders that were not paid in time. When that is is kept with the order, by the clock of the database, so it outlives
 * every process; several processes share the work. One that is being paid at that moment is left to who pays it.
 */
export function makeExpiry({ book, ports, log, everyMs, timeoutMs, dropOrder }: ExpiryOptions): Worker {
  /** Orders whose end is under way here; claimed again meanwhile, they are not dropped twice at once. */
  const dropping = new Set<string>();

  async function drop(order: OrderRow): Promise<void> {
    const { id: orderId } = order;
    if (dropping.has(orderId)) return;
    dropping.add(orderId);
    try {
      if (await dropped(order)) log.info("an order was not paid in time", { orderId });
    } finally {
      dropping.delete(orderId);
    }
  }

  async function dropped(order: OrderRow): Promise<boolean> {
    const { id: orderId, userId } = order;
    const context = traced(order, ports).with({ timeoutMs });
    const outcome = await dropOrder.run({ orderId, userId, reason: expiredReason }, { context });
    const ended = outcome.status === "pending" ? await dropOrder.wait(outcome.gid, { timeoutMs }) : outcome;
    return ended.status === "committed";
  }

  const work = async () => {
    const orders = await book.claimDue("AWAITING_PAYMENT", batch);
    const failures = (await Promise.allSettled(orders.map(drop))).filter(({ status }) => status === "rejected");
    for (const { reason } of failures as PromiseRejectedResult[])
      log.warn("an order that was not paid in time could not be dropped, and will be tried again", { error: reason });
    return orders.length === batch;
  };
  return makeWorker({ name: "expiry of orders", everyMs, ports, log, work });
}
