import type { Money, Order, OrderStatus } from "./api.ts";

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

/** `11:30` today, else with the date. */
export function timeOf(iso: string, now: number): string {
  const date = new Date(iso);
  const time = date.toLocaleTimeString("en-GB", { timeStyle: "short" });
  if (date.toDateString() === new Date(now).toDateString()) return time;
  return `${time}, ${date.toLocaleDateString("en-GB", { day: "numeric", month: "long" })}`;
}

/** `2 days`, `3 h 20 min`, `14 min`, `45 s`: how long it is until then; nothing once it is over. */
export function timeLeft(iso: string, now: number): string | undefined {
  const seconds = Math.ceil((Date.parse(iso) - now) / 1000);
  if (seconds <= 0) return undefined;
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
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
  AWAITING_PAYMENT: "To be paid",
  PAID: "Paid",
  COMPLETED: "Sent",
  CANCELLING: "Being cancelled",
  CANCELLED: "Cancelled",
};

/** Why an order was called off, in words. */
export function cancelWords({ cancelReason, steps }: Pick<Order, "cancelReason" | "steps">): string {
  const wasPaid = steps.some(({ status }) => status === "PAID");
  const words: Readonly<Record<string, string>> = {
    OUT_OF_STOCK: "Something in it had just been sold out. Nothing was charged.",
    INSUFFICIENT_FUNDS: "There was not enough money in the wallet. Nothing was charged.",
    COUPON_USED: "The coupon had been used just before. Nothing was charged.",
    CANCELLED_BY_CUSTOMER: wasPaid
      ? "You cancelled it. Your money is back in your wallet."
      : "You cancelled it before it was paid. Nothing was charged.",
    PAYMENT_EXPIRED: "It was not paid in time, so its goods are back on the shelf. Nothing was charged.",
    INTERRUPTED: "It was interrupted before it could be paid. Whatever was taken was given back.",
  };
  return words[cancelReason] ?? "It could not be carried out. Whatever was taken was given back.";
}
