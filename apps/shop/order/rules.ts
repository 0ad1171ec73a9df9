import type { Item } from "@mortise/proto/shop/order";
import { refusal } from "../shared/refusal.ts";

export type Status = "PENDING" | "AWAITING_PAYMENT" | "PAID" | "COMPLETED" | "CANCELLING" | "CANCELLED";

/** What the catalogue says about a product an order asks for. */
export interface Offer {
  readonly sku: string;
  readonly name: string;
  readonly image: string;
  readonly cents: bigint;
  readonly currency: string;
}

export interface Line extends Item {
  readonly name: string;
  readonly image: string;
  readonly unitCents: bigint;
}

export interface Priced {
  readonly lines: readonly Line[];
  readonly totalCents: bigint;
  readonly currency: string;
}

/**
 * How long an answer waits for its transaction to end, in milliseconds. Its call has five seconds (shop.yaml): what is
 * not decided by then is told while there is time to tell it.
 */
export const patienceMs = 3_500;

const maxLines = 50;
const maxQuantity = 99;

/** Adds up items of the same product, in the order they were first named. BAD_ITEMS if they cannot be ordered. */
export function mergeItems(items: readonly Item[]): readonly Item[] {
  const quantities = new Map<string, number>();
  for (const { sku, quantity } of items) quantities.set(sku, (quantities.get(sku) ?? 0) + quantity);
  if (quantities.size === 0) throw badItems("An order needs at least one item.");
  if (quantities.size > maxLines) throw badItems(`An order may name at most ${maxLines} products.`);
  for (const [sku, quantity] of quantities) {
    if (!Number.isInteger(quantity) || quantity < 1 || quantity > maxQuantity)
      throw badItems(`Of ${sku || "a product"} you can order 1 to ${maxQuantity}.`, sku);
  }
  return [...quantities].map(([sku, quantity]) => ({ sku, quantity }));
}

/** Prices items by what the catalogue says now; offers stand in the order of the items. */
export function price(items: readonly Item[], offers: readonly Offer[]): Priced {
  const bySku = new Map(offers.map((offer) => [offer.sku, offer]));
  const lines = items.map((item) => {
    const offer = bySku.get(item.sku);
    if (!offer) throw badItems(`There is no product "${item.sku}".`, item.sku);
    return { ...item, name: offer.name, image: offer.image, unitCents: offer.cents };
  });
  const currencies = new Set(offers.map((offer) => offer.currency));
  const [currency] = currencies;
  if (currency === undefined || currencies.size > 1) throw badItems("All items must be sold in one currency.");
  const totalCents = lines.reduce((sum, line) => sum + line.unitCents * BigInt(line.quantity), 0n);
  return { lines, totalCents, currency };
}

/** Whether a repeated request asks for the same as the one that was kept. */
export function sameItems(lines: readonly Item[], items: readonly Item[]): boolean {
  if (lines.length !== items.length) return false;
  const quantities = new Map(lines.map(({ sku, quantity }) => [sku, quantity]));
  return items.every(({ sku, quantity }) => quantities.get(sku) === quantity);
}

/** Why an order was called off by the customer, not refused by the shop. */
export const customerReason = "CANCELLED_BY_CUSTOMER";

/** Why an order was dropped that was not paid in time. */
export const expiredReason = "PAYMENT_EXPIRED";

/** What decides whether an order may be paid. */
export interface Payable {
  readonly status: Status;
  readonly cancelReason: string;
  /** The time to pay it is over. */
  readonly overdue: boolean;
}

/** Refuses to pay an order that does not await it, or not any more. */
export function checkPayable({ status, cancelReason, overdue }: Payable): void {
  const no = (reason: string, message: string) => refusal("FAILED_PRECONDITION", reason, message);
  if (status === "PENDING") throw no("NOT_PAYABLE", "This order is still being placed.");
  if (status === "PAID" || status === "COMPLETED") throw no("ALREADY_PAID", "This order is paid already.");
  if (status === "AWAITING_PAYMENT" ? overdue : cancelReason === expiredReason)
    throw no(expiredReason, "The time to pay this order is over. Nothing was taken.");
  if (status !== "AWAITING_PAYMENT") throw no("ORDER_CANCELLED", "This order was cancelled.");
}

/** Refuses request ids that are empty or longer than 100 characters: BAD_REQUEST_ID. */
export function checkRequestId(requestId: string): void {
  if (requestId.length > 0 && requestId.length <= 100) return;
  throw refusal("INVALID_ARGUMENT", "BAD_REQUEST_ID", "A request id has 1 to 100 characters.", { field: "requestId" });
}

export function isFinal(status: Status): boolean {
  return status === "COMPLETED" || status === "CANCELLED";
}

function badItems(message: string, sku?: string): Error {
  return refusal("INVALID_ARGUMENT", "BAD_ITEMS", message, { field: "items", ...(sku && { sku }) });
}
