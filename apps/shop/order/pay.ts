import type { AbortReason, Context, Initiator } from "@mortise/kernel";
import type { PayOrder } from "@mortise/proto/shop/order";
import type { payOrder } from "@mortise/proto/shop/transactions";
import { refusal, sameKey } from "../shared/refusal.ts";
import type { FullOrder, OrderBook } from "./book.ts";
import { refused } from "./place.ts";
import { checkPayable, checkRequestId, patienceMs } from "./rules.ts";

export interface PayDeps {
  readonly book: OrderBook;
  /** The order of a customer; throws for others' orders. */
  readonly own: (orderId: string, userId: string) => Promise<FullOrder>;
  readonly payOrder: Initiator<typeof payOrder>;
}

/** Pays an order that awaits it in one transaction over wallet and order; or says why not, and leaves it as it is. */
export function orderPaying({ book, own, payOrder }: PayDeps) {
  async function run(order: FullOrder, { userId, orderId, requestId }: PayOrder, call: Context) {
    const { totalCents: cents, currency } = order.row;
    const asked = { orderId, userId, amount: { cents, currency }, requestId };
    const key = `${orderId}/${requestId}`;
    return payOrder.run(asked, { key, context: call.with({ timeoutMs: patienceMs }), until: "settled" });
  }

  /** Why not, as the order is now: what the wallet says is known from another transaction that may have ended by now. */
  async function reasonOf(abort: AbortReason, { orderId, userId }: PayOrder): Promise<Error> {
    if (abort.reason !== "PAYMENT_VOID") return refused(abort, orderId);
    const { row } = await own(orderId, userId);
    checkPayable({ ...row, overdue: await book.overdue(orderId) });
    return refusal("FAILED_PRECONDITION", "ORDER_CANCELLED", "This order is being cancelled.", { orderId });
  }

  return async (request: PayOrder, call: Context): Promise<FullOrder> => {
    const { userId, orderId, requestId } = request;
    checkRequestId(requestId);
    const order = await own(orderId, userId);
    if (order.row.paymentRequest === requestId) return order; // a repetition
    checkPayable({ ...order.row, overdue: await book.overdue(orderId) });
    const outcome = await run(order, request, call);
    if (outcome.status === "aborted") throw await reasonOf(outcome.abort, request);
    if (outcome.status === "committed") return own(orderId, userId);
    throw refusal("UNAVAILABLE", "STILL_PAYING", "The order is being paid; ask again under the same key.", sameKey);
  };
}
