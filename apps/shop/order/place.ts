import { type Client, type Context, StatusError } from "@mortise/kernel";
import type { Inventory } from "@mortise/proto/shop/inventory";
import type { PlaceOrder } from "@mortise/proto/shop/order";
import type { Payments } from "@mortise/proto/shop/payment";
import { refusal } from "../shared/refusal.ts";
import type { FullOrder, NewOrder, OrderBook } from "./book.ts";
import { checkRequestId, customerReason, mergeItems, price, sameItems } from "./rules.ts";
import type { OrderSteps } from "./steps.ts";

export interface PlaceDeps {
  readonly book: OrderBook;
  readonly steps: OrderSteps;
  readonly inventory: Client<typeof Inventory>;
  readonly payments: Client<typeof Payments>;
  readonly newId: () => string;
}

/** Places an order: writes it, promises stock, takes money, and lets it stand; or gives back everything and says why. */
export function orderPlacing({ book, steps, inventory, payments, newId }: PlaceDeps) {
  async function priced(request: PlaceOrder, call: Context): Promise<NewOrder> {
    const items = mergeItems(request.items);
    const { products } = await inventory.getProducts({ skus: items.map(({ sku }) => sku) }, call);
    const offers = products.map(({ sku, name, image, price }) => ({ sku, name, image, ...price }));
    const { userId, requestId } = request;
    return { id: newId(), userId, requestId, traceId: call.trace?.traceId ?? "", ...price(items, offers) };
  }

  async function decide(order: NewOrder, call: Context): Promise<void> {
    const { id: orderId, userId, lines, totalCents, currency } = order;
    try {
      await inventory.freeze({ orderId, lines: lines.map(({ sku, quantity }) => ({ sku, quantity })) }, call);
      await payments.charge({ orderId, userId, amount: { cents: totalCents, currency } }, call);
      if (await steps.goOn(orderId, call)) return;
    } catch (error) {
      const why = error instanceof StatusError ? (error.reason ?? error.code) : "INTERNAL";
      if (await steps.callOff(orderId, ["PENDING"], why, call)) throw about(error, orderId);
    }
    // Somebody else decided meanwhile: recovery, because this took long, or the customer.
    const now = await loaded(orderId);
    if (now.row.status === "CANCELLING" || now.row.status === "CANCELLED") throw refusedBefore(now);
  }

  async function loaded(orderId: string): Promise<FullOrder> {
    const order = await book.get(orderId);
    if (!order) throw new Error(`order ${orderId} was written and is not there`);
    return order;
  }

  /** The answer to a request that was made before. */
  function again(order: FullOrder, request: PlaceOrder): FullOrder {
    if (!sameItems(order.lines, mergeItems(request.items))) {
      const message = "This request id was used for another order.";
      throw refusal("ALREADY_EXISTS", "REQUEST_ID_REUSED", message, { orderId: order.row.id });
    }
    const { cancelReason } = order.row;
    if (cancelReason !== "" && cancelReason !== customerReason) throw refusedBefore(order);
    return order;
  }

  return async (request: PlaceOrder, call: Context): Promise<FullOrder> => {
    checkRequestId(request.requestId);
    const before = await book.byRequest(request.userId, request.requestId);
    if (before) return again(before, request);
    const order = await priced(request, call);
    if (!(await book.insert(order))) return again(await byRequest(request), request);
    await decide(order, call);
    return loaded(order.id);
  };

  async function byRequest({ userId, requestId }: PlaceOrder): Promise<FullOrder> {
    const order = await book.byRequest(userId, requestId);
    if (!order) throw new Error(`request ${requestId} was taken and is not there`);
    return order;
  }
}

function about(error: unknown, orderId: string): unknown {
  if (!(error instanceof StatusError)) return error;
  const { code, message, reason, details, retryable } = error;
  const given = { details: { ...details, orderId }, retryable, cause: error };
  return new StatusError(code, message, reason === undefined ? given : { ...given, reason });
}

function refusedBefore({ row }: FullOrder): Error {
  return refusal("FAILED_PRECONDITION", row.cancelReason, "This order was refused.", { orderId: row.id });
}
