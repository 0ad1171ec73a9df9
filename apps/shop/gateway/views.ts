import type { Timestamp } from "@mortise/kernel/contract";
import type { Product } from "@mortise/proto/shop/inventory";
import type { Coupon } from "@mortise/proto/shop/marketing";
import { type Order, OrderStatus } from "@mortise/proto/shop/order";
import { type Entry, EntryKind } from "@mortise/proto/shop/payment";
import type { Account } from "@mortise/proto/shop/user";
import { millisOf } from "../shared/instant.ts";

/** Money as JSON has it: whole cents, which stay exact up to 90 billion euros. */
export interface MoneyView {
  readonly cents: number;
  readonly currency: string;
}

/** What browsers see of an account. */
export function accountView({ id, email, name }: Account) {
  return { id, email, name };
}

export function moneyView({ cents, currency }: { readonly cents: bigint; readonly currency: string }): MoneyView {
  return { cents: Number(cents), currency };
}

export function productView({ price, ...product }: Product) {
  return { ...product, price: moneyView(price) };
}

export function orderView(order: Order) {
  const { id, cancelReason, traceId, paymentTraceId } = order;
  return {
    id,
    status: nameOf(OrderStatus.values, order.status),
    cancelReason,
    traceId,
    paymentTraceId,
    total: moneyView(order.total),
    coupon: order.coupon,
    discount: moneyView(order.discount),
    createdAt: isoOf(order.createdAt),
    ...(order.payBy && { payBy: isoOf(order.payBy) }),
    lines: order.lines.map(({ unitPrice, ...line }) => ({ ...line, unitPrice: moneyView(unitPrice) })),
    steps: order.steps.map(({ status, at }) => ({ status: nameOf(OrderStatus.values, status), at: isoOf(at) })),
  };
}

export function couponView({ minimum, ...coupon }: Coupon) {
  return { ...coupon, minimum: moneyView(minimum) };
}

export function entryView({ id, kind, amount, balance, orderId, at }: Entry) {
  return {
    id: String(id),
    kind: nameOf(EntryKind.values, kind),
    amount: moneyView(amount),
    balance: moneyView(balance),
    orderId,
    at: isoOf(at),
  };
}

function nameOf(values: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(values).find((name) => values[name] === value) ?? "UNSPECIFIED";
}

function isoOf(time: Timestamp): string {
  return new Date(millisOf(time)).toISOString();
}
