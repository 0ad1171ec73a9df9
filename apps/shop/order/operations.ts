import { type Context, nothing, type Performances } from "@mortise/kernel";
import type { OrderOperations } from "@mortise/proto/shop/order";
import type { Transaction } from "../shared/database.ts";
import type { Along, Move, OrderBook } from "./book.ts";
import { customerReason } from "./rules.ts";

export interface OperationsDeps {
  readonly book: OrderBook;
  /** Write the events of an order in the transaction of its change. */
  readonly paid: (call: Context) => Along;
  readonly cancelled: (call: Context) => Along;
  /** Called after every change of an order. */
  readonly changed: () => void;
}

/** What transactions do with orders. Between the two phases of `open` an order is PENDING, between those of `callOff` CANCELLING. */
export function orderOperations(deps: OperationsDeps): Performances<typeof OrderOperations> {
  const { book, paid, cancelled, changed } = deps;
  const move = async (tx: Transaction, id: string, how: Move): Promise<boolean> => {
    const moved = await book.move(tx, id, how);
    changed();
    return moved;
  };

  /** Ends the waiting of an order. That it does not wait would mean that money and order contradict each other. */
  const settle = async (tx: Transaction, id: string, how: Omit<Move, "from">): Promise<void> => {
    if (await move(tx, id, { from: ["AWAITING_PAYMENT"], ...how })) return;
    throw new Error(`order ${id} does not await its payment and can not become ${how.to}`);
  };

  return {
    open: {
      reserve: async ({ orm }, order) => {
        await book.insert(orm, order, "PENDING");
        changed();
        return {};
      },
      confirm: async ({ orm }, { id, payLater }, _, call) => {
        const how = payLater ? ({ to: "AWAITING_PAYMENT" } as const) : ({ to: "PAID", along: paid(call) } as const);
        await move(orm, id, { from: ["PENDING"], ...how });
      },
      cancel: async ({ orm }, { id }) => {
        await move(orm, id, { from: ["PENDING"], to: "CANCELLED", cancelReason: "INTERRUPTED" });
      },
      undo: async ({ orm }, { id }, _, call) => {
        const from = ["PAID", "AWAITING_PAYMENT"] as const;
        await move(orm, id, { from, to: "CANCELLED", cancelReason: "INTERRUPTED", along: cancelled(call) });
      },
    },
    callOff: {
      reserve: async ({ orm }, { orderId }, call) => {
        const how = { from: ["PAID"], to: "CANCELLING", cancelReason: customerReason } as const;
        if (await move(orm, orderId, how)) return {};
        return call.reject(
          "NOT_CANCELLABLE",
          "Only an order can be called off that stands and whose goods have not left.",
        );
      },
      confirm: async ({ orm }, { orderId }, _, call) => {
        await move(orm, orderId, { from: ["CANCELLING"], to: "CANCELLED", along: cancelled(call) });
      },
      cancel: async ({ orm }, { orderId }) => {
        await move(orm, orderId, { from: ["CANCELLING"], to: "PAID", cancelReason: "" });
      },
    },
    // Which of these two may be done is decided where the money is; what comes here only follows.
    pay: {
      reserve: nothing,
      confirm: async ({ orm }, { orderId, requestId: paymentRequest }, _, call) => {
        const paymentTraceId = call.trace?.traceId ?? "";
        await settle(orm, orderId, { to: "PAID", paymentRequest, paymentTraceId, along: paid(call) });
      },
      cancel: nothing,
    },
    drop: {
      reserve: nothing,
      confirm: async ({ orm }, { orderId, reason: cancelReason }, _, call) =>
        settle(orm, orderId, { to: "CANCELLED", cancelReason, along: cancelled(call) }),
      cancel: nothing,
    },
  };
}
