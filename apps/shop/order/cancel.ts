import type { Context, Initiator } from "@mortise/kernel";
import type { cancelOrder, dropOrder } from "@mortise/proto/shop/transactions";
import { refusal } from "../shared/refusal.ts";
import type { FullOrder } from "./book.ts";
import { isGivenUp } from "./place.ts";
import { customerReason, patienceMs } from "./rules.ts";

export interface CancelDeps {
  /** The order of a customer; throws for others' orders. */
  readonly own: (orderId: string, userId: string) => Promise<FullOrder>;
  readonly cancelOrder: Initiator<typeof cancelOrder>;
  readonly dropOrder: Initiator<typeof dropOrder>;
}

/** Calls off an order that was paid, or drops one that was not; or says why not. */
export function orderCancelling({ own, cancelOrder, dropOrder }: CancelDeps) {
  const begin = ({ row }: FullOrder, context: Context) => {
    const { id: orderId, userId } = row;
    const how = { context: context.with({ timeoutMs: patienceMs }), until: "settled" } as const;
    return row.status === "AWAITING_PAYMENT"
      ? dropOrder.run({ orderId, userId, reason: customerReason }, how)
      : cancelOrder.run({ orderId, userId }, how);
  };

  return async ({ orderId, userId }: { readonly orderId: string; readonly userId: string }, call: Context) => {
    const order = await own(orderId, userId);
    if (order.row.status === "CANCELLED") return order;
    const outcome = await begin(order, call);
    const now = await own(orderId, userId);
    if (outcome.status !== "aborted" || now.row.status === "CANCELLED") return now;
    const { reason, message } = outcome.abort;
    if (reason === "PAYMENT_VOID") return now; // somebody else is about to end it
    if (isGivenUp(reason)) throw refusal("UNAVAILABLE", reason, "The order was not cancelled; ask again.", { orderId });
    throw refusal("FAILED_PRECONDITION", reason, message, { orderId });
  };
}
