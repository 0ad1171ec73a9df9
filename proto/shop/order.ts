import type { Infer } from "@mortise/kernel/contract";
import {
  bool,
  Empty,
  enumeration,
  field,
  int32,
  message,
  operation,
  operations,
  repeated,
  required,
  rpc,
  service,
  stream,
  string,
  timestamp,
  topic,
} from "@mortise/kernel/contract";
import { Money } from "./common.ts";

export const OrderStatus = enumeration("shop.order.v1.OrderStatus", {
  UNSPECIFIED: 0,
  /** Written down; stock and money are being asked for. */
  PENDING: 1,
  /** Stock is promised and money taken: the order stands. */
  PAID: 2,
  /** The goods have left. Final. */
  COMPLETED: 3,
  /** Stock and money are being given back. */
  CANCELLING: 4,
  /** Nothing is kept. Final. */
  CANCELLED: 5,
  /** Stock is promised and no money taken: it is paid in time, or cancelled. */
  AWAITING_PAYMENT: 6,
});

export const OrderLine = message("shop.order.v1.OrderLine", {
  sku: string(1),
  name: string(2),
  image: string(3),
  quantity: int32(4),
  unitPrice: required(field(5, Money)),
});

/** A status an order reached, and when. */
export const OrderStep = message("shop.order.v1.OrderStep", {
  status: field(1, OrderStatus),
  at: required(timestamp(2)),
});

export const Order = message("shop.order.v1.Order", {
  id: string(1),
  userId: string(2),
  status: field(3, OrderStatus),
  lines: repeated(field(4, OrderLine)),
  total: required(field(5, Money)),
  /** Why it was cancelled: a reason in UPPER_SNAKE. */
  cancelReason: string(6),
  /** The trace of the request that placed it. */
  traceId: string(7),
  createdAt: required(timestamp(8)),
  /** In the order they were reached. */
  steps: repeated(field(9, OrderStep)),
  /** The coupon that was used; empty for none. */
  coupon: string(10),
  /** What it took off; the total is what is paid. */
  discount: required(field(11, Money)),
  /** Until when it is to be paid; only of orders that are paid later. */
  payBy: timestamp(12),
  /** The trace of the request that paid it later; empty for none. */
  paymentTraceId: string(13),
});

export const Item = message("shop.order.v1.Item", { sku: string(1), quantity: int32(2) });

export const PlaceOrder = message("shop.order.v1.PlaceOrder", {
  userId: string(1),
  /** Chosen by the client; the same id places one order, and tells of it again when repeated. */
  requestId: string(2),
  items: repeated(field(3, Item)),
  /** Empty for none. */
  coupon: string(4),
  /** Promises the stock now and takes no money until the order is paid. */
  payLater: bool(5),
});

/** Pays an order that was placed to be paid later. */
export const PayOrder = message("shop.order.v1.PayOrder", {
  userId: string(1),
  orderId: string(2),
  /** Chosen by the client; the same id pays once, and tells of it again when repeated. */
  requestId: string(3),
});

/** An order of a customer. Others' orders are not found. */
export const OrderKey = message("shop.order.v1.OrderKey", { userId: string(1), orderId: string(2) });

export const OrderQuery = message("shop.order.v1.OrderQuery", {
  userId: string(1),
  /** At most 100; 0 asks for 20. */
  pageSize: int32(2),
  pageToken: string(3),
});

export const OrderPage = message("shop.order.v1.OrderPage", {
  orders: repeated(field(1, Order)),
  /** Empty on the last page. */
  nextPageToken: string(2),
});

/**
 * Orders from placing to their end.
 *
 * Reasons: OUT_OF_STOCK, INSUFFICIENT_FUNDS, NO_SUCH_COUPON, COUPON_USED, COUPON_MINIMUM (FAILED_PRECONDITION; as
 * inventory, payment and marketing give them, with detail `orderId`), REQUEST_ID_REUSED (ALREADY_EXISTS), NO_SUCH_ORDER (NOT_FOUND), NOT_CANCELLABLE (FAILED_PRECONDITION),
 * BAD_ITEMS, BAD_REQUEST_ID, BAD_PAGE_TOKEN (INVALID_ARGUMENT). Of paying, all FAILED_PRECONDITION: ALREADY_PAID,
 * PAYMENT_EXPIRED, ORDER_CANCELLED, PAYMENT_UNDER_WAY, NOT_PAYABLE. STILL_PLACING, STILL_PAYING (UNAVAILABLE): not decided
 * yet. INTERRUPTED, DEADLINE, UNAVAILABLE, ORPHAN (ABORTED): given up before it was decided, and nothing is left. Detail
 * `repeat` says under which request id the same may be asked for again: `same-key` or `new-key`.
 */
export const Orders = service("shop.order.v1.Orders", {
  /** Resolves once the order is decided: it stands (PAID, or AWAITING_PAYMENT), or it was refused and nothing is kept. */
  place: rpc(PlaceOrder, Order, { idempotent: true, criticality: "critical" }),
  /** Pays an order that awaits it. Where it is refused the order stays as it is, and may be paid under another request id. */
  pay: rpc(PayOrder, Order, { idempotent: true, criticality: "critical" }),
  get: rpc(OrderKey, Order, { readOnly: true }),
  /** Newest first. */
  list: rpc(OrderQuery, OrderPage, { readOnly: true }),
  /** Calls off an order whose goods have not left. */
  cancel: rpc(OrderKey, Order, { idempotent: true, criticality: "high" }),
  /** The order now and after each change, until its status is final. */
  watch: rpc(OrderKey, stream(Order), { readOnly: true, criticality: "low" }),
});

export const OrderEvent = message("shop.order.v1.OrderEvent", {
  orderId: string(1),
  userId: string(2),
  total: required(field(3, Money)),
});

/** An order stands. */
export const OrderPaid = topic("shop.order.v1.OrderPaid", OrderEvent, { key: "orderId" });
/** The goods of an order have left. */
export const OrderCompleted = topic("shop.order.v1.OrderCompleted", OrderEvent, { key: "orderId" });
/** An order was refused or called off. */
export const OrderCancelled = topic("shop.order.v1.OrderCancelled", OrderEvent, { key: "orderId" });

/** All that is to be known of an order before it is placed. */
export const OrderToPlace = message("shop.order.v1.OrderToPlace", {
  id: string(1),
  userId: string(2),
  requestId: string(3),
  lines: repeated(field(4, OrderLine)),
  /** What is to be paid. */
  total: required(field(5, Money)),
  traceId: string(6),
  coupon: string(7),
  discount: required(field(8, Money)),
  /** Its price is not taken with it. */
  payLater: bool(9),
});

export const OrderToPay = message("shop.order.v1.OrderToPay", {
  orderId: string(1),
  userId: string(2),
  amount: required(field(3, Money)),
  /** The request that pays it. */
  requestId: string(4),
});

/** An order that is not to be paid any more. */
export const OrderToDrop = message("shop.order.v1.OrderToDrop", {
  orderId: string(1),
  userId: string(2),
  /** In UPPER_SNAKE. */
  reason: string(3),
});

/** What transactions do with orders. */
export const OrderOperations = operations("shop.order.v1.OrderOperations", {
  /** Lets an order stand whose stock is promised, and whose price is taken or awaited. */
  open: operation(OrderToPlace, Empty, { undo: true, keys: ({ id }) => [`order:${id}`] }),
  /** Calls off an order whose goods have not left. */
  callOff: operation(OrderKey, Empty, { rejects: ["NOT_CANCELLABLE"], keys: ({ orderId }) => [`order:${orderId}`] }),
  /** Lets an order stand as paid that awaited it, and whose price is taken. */
  pay: operation(OrderToPay, Empty, { keys: ({ orderId }) => [`order:${orderId}`] }),
  /** Ends an order that awaits its payment, and is barred from being paid. */
  drop: operation(OrderToDrop, Empty, { keys: ({ orderId }) => [`order:${orderId}`] }),
});

export type OrderToPlace = Infer<typeof OrderToPlace>;
export type OrderToPay = Infer<typeof OrderToPay>;
export type Order = Infer<typeof Order>;
export type OrderStatus = (typeof OrderStatus.values)[keyof typeof OrderStatus.values];
export type Item = Infer<typeof Item>;
export type PlaceOrder = Infer<typeof PlaceOrder>;
export type PayOrder = Infer<typeof PayOrder>;
export type OrderEvent = Infer<typeof OrderEvent>;
