import { backgroundOf, type Client, type Context, type Log, type Ports, type TopicType } from "@mortise/kernel";
import type { Inventory } from "@mortise/proto/shop/inventory";
import { OrderCancelled, OrderCompleted, type OrderEvent, OrderPaid } from "@mortise/proto/shop/order";
import type { Payments } from "@mortise/proto/shop/payment";
import { post } from "../shared/outbox.ts";
import type { Along, Move, OrderBook, OrderRow } from "./book.ts";
import type { Status } from "./rules.ts";
import { outbox } from "./schema.ts";

export interface StepsDeps {
  readonly book: OrderBook;
  readonly inventory: Client<typeof Inventory>;
  readonly payments: Client<typeof Payments>;
  readonly ports: Ports;
  readonly log: Log;
  /** Time to give back what an order took, in milliseconds. */
  readonly undoMs: number;
  /** Called after every change of an order. */
  readonly changed: () => void;
}

/**
 * The steps an order takes after it was written. Who moves it from PENDING has decided it: to PAID, or to CANCELLING
 * and, once stock and money are back, to CANCELLED. Each step may be repeated by anybody, so nobody needs to know who
 * began it.
 */
export function orderSteps({ book, inventory, payments, ports, log, undoMs, changed }: StepsDeps) {
  async function move(orderId: string, move: Move): Promise<boolean> {
    const moved = await book.move(orderId, move);
    if (moved) changed();
    return moved;
  }

  async function undo(orderId: string, call: Context): Promise<void> {
    const context = backgroundOf(ports).with({ timeoutMs: undoMs, ...(call.trace && { trace: call.trace }) });
    await Promise.all([payments.refund({ orderId }, context), inventory.release({ orderId }, context)]);
    await move(orderId, { from: ["CANCELLING"], to: "CANCELLED", along: announcement(OrderCancelled, call) });
  }

  return {
    goOn: (orderId: string, call: Context): Promise<boolean> =>
      move(orderId, { from: ["PENDING"], to: "PAID", along: announcement(OrderPaid, call) }),

    complete: (orderId: string, call: Context): Promise<boolean> =>
      move(orderId, { from: ["PAID"], to: "COMPLETED", along: announcement(OrderCompleted, call) }),

    /** Tells once more that an order stands. */
    announce: (order: OrderRow, call: Context): Promise<void> => book.along(order, announcement(OrderPaid, call)),

    /** Gives back what an order in CANCELLING took. Not bound to the deadline of the call that failed. */
    undo,

    /** Calls an order off and undoes it; if undoing fails, recovery goes on with it. False if it is past `from`. */
    callOff: async (orderId: string, from: readonly Status[], reason: string, call: Context): Promise<boolean> => {
      if (!(await move(orderId, { from, to: "CANCELLING", cancelReason: reason }))) return false;
      try {
        await undo(orderId, call);
      } catch (error) {
        log.warn("an order could not be undone at once; recovery will see to it", { orderId, error });
      }
      return true;
    },
  };
}

export type OrderSteps = ReturnType<typeof orderSteps>;

function announcement(topic: TopicType<OrderEvent>, call: Context): Along {
  return (tx, { id, userId, totalCents, currency }) =>
    post(tx, outbox, topic, { orderId: id, userId, total: { cents: totalCents, currency } }, call);
}
