import type { Context, Performances } from "@mortise/kernel";
import type { OrderOperations } from "@mortise/proto/shop/order";
import type { Transaction } from "../shared/database.ts";
import type { Along, OrderBook } from "./book.ts";
import { customerReason } from "./rules.ts";

export interface OperationsDeps {
  readonly book: OrderBook;
  /** Write the events of an order in the transaction of its change. */
  readonly paid: (call: Context) => Along;
  readonly cancelled: (call: Context) => Along;
  /** Called after every change of an order. */
  readonly changed: () => void;
}

/** What transactions do with orders. Between its two phases an order is PENDING, or CANCELLING. */
export function orderOperations(deps: OperationsDeps): Performances<typeof OrderOperations> {
  const { book, paid, cancelled, changed } = deps;
  const move = async (tx: Transaction, id: string, how: Parameters<OrderBook["move"]>[2]): Promise<boolean> => {
    const moved = await book.move(tx, id, how);
    changed();
    return moved;
  };

  return {
    open: {
      reserve: async ({ orm }, order) => {
        await book.insert(orm, order, "PENDING");
        changed();
        return {};
      },
      confirm: async ({ orm }, { id }, _, call) => {
        await move(orm, id, { from: ["PENDING"], to: "PAID", along: paid(call) });
      },
      cancel: async ({ orm }, { id }) => {
        await move(orm, id, { from: ["PENDING"], to: "CANCELLED", cancelReason: "INTERRUPTED" });
      },
      undo: async ({ orm }, { id }, _, call) => {
        await move(orm, id, { from: ["PAID"], to: "CANCELLED", cancelReason: "INTERRUPTED", along: cancelled(call) });
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
  };
}
