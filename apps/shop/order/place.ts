import type { AbortReason, Client, Context, Initiator } from "@mortise/kernel";
import type { Inventory } from "@mortise/proto/shop/inventory";
import type { Marketing } from "@mortise/proto/shop/marketing";
import type { OrderToPlace, PlaceOrder } from "@mortise/proto/shop/order";
import type { holdOrder, placeOrder } from "@mortise/proto/shop/transactions";
import { newKey, refusal, sameKey } from "../shared/refusal.ts";
import type { FullOrder, OrderBook } from "./book.ts";
import { checkRequestId, customerReason, expiredReason, mergeItems, patienceMs, price, sameItems } from "./rules.ts";

/** How long an order that cannot be seen yet is waited for after that, in milliseconds. */
const lookAgainMs = 500;

export interface PlaceDeps {
  readonly book: OrderBook;
  readonly inventory: Client<typeof Inventory>;
  readonly marketing: Client<typeof Marketing>;
  readonly placeOrder: Initiator<typeof placeOrder>;
  readonly holdOrder: Initiator<typeof holdOrder>;
  readonly newId: () => string;
}

/** Places an order in one transaction over order, stock, coupon and, unless it is paid later, wallet; or says why not. */
export function orderPlacing({ book, inventory, marketing, placeOrder, holdOrder, newId }: PlaceDeps) {
  async function priced(request: PlaceOrder, call: Context): Promise<OrderToPlace> {
    const items = mergeItems(request.items);
    const { products } = await inventory.getProducts({ skus: items.map(({ sku }) => sku) }, call);
    const offers = products.map(({ sku, name, image, price }) => ({ sku, name, image, ...price }));
    const { userId, requestId, coupon, payLater } = request;
    const { lines, totalCents, currency } = price(items, offers);
    const full = { cents: totalCents, currency };
    const { discount } = coupon
      ? await marketing.quote({ userId, code: coupon, price: full }, call)
      : noDiscount(currency);
    return {
      id: newId(),
      userId,
      requestId,
      traceId: call.trace?.traceId ?? "",
      lines: lines.map(({ unitCents, ...line }) => ({ ...line, unitPrice: { cents: unitCents, currency } })),
      total: { cents: totalCents - discount.cents, currency },
      coupon,
      discount,
      payLater,
    };
  }

  const transactionOf = ({ payLater }: PlaceOrder) => (payLater ? holdOrder : placeOrder);

  /** The answer to a request that was made before. */
  function again(order: FullOrder, request: PlaceOrder): FullOrder {
    const { coupon, payLater } = order.row;
    const same = coupon === request.coupon && payLater === request.payLater;
    if (!same || !sameItems(order.lines, mergeItems(request.items))) {
      const message = "This key was used for another order.";
      throw refusal("ALREADY_EXISTS", "REQUEST_ID_REUSED", message, { orderId: order.row.id, ...newKey });
    }
    const { id, cancelReason } = order.row;
    if (["", customerReason, expiredReason].includes(cancelReason)) return order;
    throw refused({ reason: cancelReason, message: "This order was refused.", details: {} }, id);
  }

  return async (request: PlaceOrder, call: Context): Promise<FullOrder> => {
    checkRequestId(request.requestId);
    const before = await book.byRequest(request);
    if (before) return again(before, request);
    const order = await priced(request, call);
    const key = `${request.userId}/${request.requestId}`;
    const context = call.with({ timeoutMs: patienceMs });
    const outcome = await transactionOf(request).run(order, { key, context, until: "settled" });
    if (outcome.status === "aborted" && outcome.abort.reason !== "KEY_REUSED") {
      await book.refuse(order, outcome.abort.reason);
      throw refused(outcome.abort, order.id);
    }
    // With another price, or under another id, the same request may be on its way from before: its order is the answer.
    const placed = (await book.byRequest(request)) ?? (await waitFor(outcome.gid, request, call));
    return again(placed, request);
  };

  async function waitFor(gid: string, request: PlaceOrder, call: Context): Promise<FullOrder> {
    const outcome = await transactionOf(request).wait(gid, { context: call.with({ timeoutMs: lookAgainMs }) });
    if (outcome.status === "aborted") throw refused(outcome.abort, "");
    const placed = await book.byRequest(request);
    if (placed) return placed;
    const message = "The order is being placed; ask again under the same key.";
    throw refusal("UNAVAILABLE", "STILL_PLACING", message, sameKey);
  }
}

function noDiscount(currency: string) {
  return { discount: { cents: 0n, currency } };
}

/** A transaction's no as an answer, which its request id has for good. */
export function refused({ reason, message, details }: Omit<AbortReason, "step">, orderId: string): Error {
  const told = { ...details, ...newKey, ...(orderId !== "" && { orderId }) };
  if (!isGivenUp(reason)) return refusal("FAILED_PRECONDITION", reason, message, told);
  const words = "This was given up before it was decided, and nothing of it is left. Ask for it again under a new key.";
  return refusal("ABORTED", reason, words, told);
}

/** Whether a transaction was aborted though nothing was wrong with it. */
export function isGivenUp(reason: string): boolean {
  return givenUp.has(reason);
}

const givenUp = new Set(["INTERRUPTED", "DEADLINE", "UNAVAILABLE", "ORPHAN"]);
