// Contracts for tests and benchmarks, one of everything.
import {
  bool,
  bytes,
  double,
  duration,
  enumeration,
  field,
  fixed32,
  float,
  type Infer,
  int32,
  int64,
  map,
  message,
  oneof,
  optional,
  repeated,
  required,
  rpc,
  sensitive,
  service,
  sint64,
  stream,
  string,
  timestamp,
  topic,
  uint64,
} from "../../index.ts";
import { Money } from "./money.ts";

export const OrderStatus = enumeration("test.order.v1.OrderStatus", { UNSPECIFIED: 0, PLACED: 1, PAID: 2 });

export const OrderLine = message("test.order.v1.OrderLine", {
  sku: string(1),
  quantity: int32(2),
  unitPrice: field(3, Money),
});

/** A card, declared inside the message that uses it. */
export const Card = message("test.order.v1.Order.Card", { number: sensitive(string(1)), expires: string(2) });

export const Order = message("test.order.v1.Order", {
  id: string(1),
  lines: repeated(field(2, OrderLine)),
  status: field(3, OrderStatus),
  payment: oneof({ card: field(4, Card), wallet: bytes(5), voucher: sint64(12) }),
  createdAt: required(timestamp(6)),
  ships: duration(7),
  labels: map("string", string(8)),
  stock: map("uint64", field(9, Money)),
  note: optional(string(10)),
  gift: bool(11),
  discount: double(13),
  weights: repeated(fixed32(14)),
  history: repeated(field(15, OrderStatus)),
  score: float(16),
  orderID: int64(17),
  version: uint64(18),
  token: sensitive(bytes(19)),
});
export type Order = Infer<typeof Order>;

export const GetOrder = message("test.order.v1.GetOrder", { id: string(1) });

export const Orders = service("test.order.v1.Orders", {
  get: rpc(GetOrder, Order, { readOnly: true }),
  place: rpc(Order, Order, { idempotent: true }),
  watch: rpc(GetOrder, stream(Order)),
  load: rpc(stream(OrderLine), Order),
  chat: rpc(stream(GetOrder), stream(OrderLine)),
});

export const OrderPaid = topic("test.order.v1.OrderPaid", Order, { key: "id" });

const money = { currency: "EUR", units: 12n, nanos: 500_000_000 };

/** Values with nothing and with everything set. */
export const orders: readonly Order[] = [
  {
    id: "",
    lines: [],
    status: OrderStatus.UNSPECIFIED,
    createdAt: { seconds: 0n, nanos: 0 },
    labels: new Map(),
    stock: new Map(),
    gift: false,
    discount: 0,
    weights: [],
    history: [],
    score: 0,
    orderID: 0n,
    version: 0n,
    token: new Uint8Array(0),
  },
  {
    id: "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    lines: [
      { sku: "SKU-1", quantity: 2, unitPrice: money },
      { sku: "größe-😀", quantity: -1, unitPrice: undefined },
    ],
    status: OrderStatus.PAID,
    payment: { $case: "card", value: { number: "4111 1111 1111 1111", expires: "12/30" } },
    createdAt: { seconds: 1_790_000_000n, nanos: 123_456_789 },
    ships: { seconds: 86_400n, nanos: 0 },
    labels: new Map([
      ["colour", "red"],
      ["", ""],
    ]),
    stock: new Map([[2n ** 63n, money]]),
    note: "",
    gift: true,
    discount: 0.1,
    weights: [1, 2 ** 32 - 1],
    history: [OrderStatus.PLACED, OrderStatus.PAID],
    score: 1.5,
    orderID: -(2n ** 63n),
    version: 2n ** 64n - 1n,
    token: new Uint8Array([1, 2, 255]),
  },
];
