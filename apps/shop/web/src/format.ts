import type { Money, OrderStatus } from "./api.ts";

const formats = new Map<string, Intl.NumberFormat>();

/** `€1,290.00` */
export function money({ cents, currency }: Money): string {
  let format = formats.get(currency);
  if (!format) {
    format = new Intl.NumberFormat("en-IE", { style: "currency", currency });
    formats.set(currency, format);
  }
  return format.format(cents / 100);
}

/** `21 November 2026, 11:30` */
export function moment(iso: string): string {
  return new Date(iso).toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" });
}

/** `11:30:05.123`: for steps that are milliseconds apart. */
export function clock(iso: string): string {
  const date = new Date(iso);
  return `${date.toLocaleTimeString("en-GB")}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

export function shortId(id: string): string {
  return id.slice(0, 8).toUpperCase();
}

export const statusWords: Readonly<Record<OrderStatus, string>> = {
  PENDING: "Being placed",
  PAID: "Paid",
  COMPLETED: "Sent",
  CANCELLING: "Being cancelled",
  CANCELLED: "Cancelled",
};

/** Why an order was called off, in words. */
export function cancelWords(reason: string): string {
  const words: Readonly<Record<string, string>> = {
    OUT_OF_STOCK: "Something in it had just been sold out. Nothing was charged.",
    INSUFFICIENT_FUNDS: "There was not enough money in the wallet. Nothing was charged.",
    COUPON_USED: "The coupon had been used just before. Nothing was charged.",
    CANCELLED_BY_CUSTOMER: "You cancelled it. Your money is back in your wallet.",
    INTERRUPTED: "It was interrupted before it could be paid. Whatever was taken was given back.",
  };
  return words[reason] ?? "It could not be carried out. Whatever was taken was given back.";
}
