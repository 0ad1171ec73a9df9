import type { Infer } from "@mortise/kernel/contract";
import {
  Empty,
  enumeration,
  field,
  int32,
  int64,
  message,
  operation,
  operations,
  repeated,
  required,
  rpc,
  service,
  string,
  timestamp,
} from "@mortise/kernel/contract";
import { Money } from "./common.ts";

export const WalletOwner = message("shop.payment.v1.WalletOwner", { userId: string(1) });

export const Wallet = message("shop.payment.v1.Wallet", {
  userId: string(1),
  /** What can be spent now. */
  balance: required(field(2, Money)),
  /** Earned by orders. */
  points: int64(3),
});

export const TopUp = message("shop.payment.v1.TopUp", {
  userId: string(1),
  amount: required(field(2, Money)),
  /** Chosen by the client; the same id tops up once. */
  requestId: string(3),
});

export const Charge = message("shop.payment.v1.Charge", {
  orderId: string(1),
  userId: string(2),
  amount: required(field(3, Money)),
});

export const OrderPayment = message("shop.payment.v1.OrderPayment", { orderId: string(1) });

export const PaymentState = enumeration("shop.payment.v1.PaymentState", {
  UNSPECIFIED: 0,
  CHARGED: 1,
  REFUNDED: 2,
  /** Barred, or given back before it was taken: a charge that comes later is refused. */
  VOID: 3,
  /** Set aside for an order that is being placed. */
  HELD: 4,
});

/** The one payment of an order. */
export const Payment = message("shop.payment.v1.Payment", {
  orderId: string(1),
  state: field(2, PaymentState),
  amount: required(field(3, Money)),
});

export const EntryKind = enumeration("shop.payment.v1.EntryKind", {
  UNSPECIFIED: 0,
  WELCOME: 1,
  TOP_UP: 2,
  CHARGE: 3,
  REFUND: 4,
});

/** One line of a wallet's journal, which is never changed. */
export const Entry = message("shop.payment.v1.Entry", {
  id: int64(1),
  kind: field(2, EntryKind),
  /** Negative when money left the wallet. */
  amount: required(field(3, Money)),
  balance: required(field(4, Money)),
  /** Of charges and refunds. */
  orderId: string(5),
  at: required(timestamp(6)),
});

export const EntryQuery = message("shop.payment.v1.EntryQuery", {
  userId: string(1),
  /** At most 100; 0 asks for 20. */
  pageSize: int32(2),
  pageToken: string(3),
});

export const EntryPage = message("shop.payment.v1.EntryPage", {
  entries: repeated(field(1, Entry)),
  /** Empty on the last page. */
  nextPageToken: string(2),
});

/**
 * Wallets. A wallet is opened with a welcome present when it is first asked for. Orders are charged
 * and refunded by transactions.
 *
 * Reasons: INSUFFICIENT_FUNDS (FAILED_PRECONDITION; details `balanceCents`, `wantedCents`), PAYMENT_VOID,
 * PAYMENT_UNDER_WAY, ALREADY_PAID (FAILED_PRECONDITION), NO_SUCH_PAYMENT (NOT_FOUND), BAD_AMOUNT, BAD_PAGE_TOKEN
 * (INVALID_ARGUMENT).
 */
export const Payments = service("shop.payment.v1.Payments", {
  getWallet: rpc(WalletOwner, Wallet, { idempotent: true }),
  topUp: rpc(TopUp, Wallet, { idempotent: true }),
  getPayment: rpc(OrderPayment, Payment, { readOnly: true, criticality: "critical" }),
  listEntries: rpc(EntryQuery, EntryPage, { readOnly: true }),
});

/** What transactions do with wallets. Reasons as above. */
export const WalletOperations = operations("shop.payment.v1.WalletOperations", {
  /** Takes the price of an order from a wallet. Each order is charged by one transaction only. */
  charge: operation(Charge, Empty, {
    rejects: ["INSUFFICIENT_FUNDS", "PAYMENT_VOID", "PAYMENT_UNDER_WAY", "ALREADY_PAID", "BAD_AMOUNT"],
    undo: true,
    keys: ({ userId }) => [`wallet:${userId}`],
  }),
  /** Bars an order from being charged. Of this and charging only one happens, whichever is first. */
  bar: operation(OrderPayment, Empty, {
    rejects: ["PAYMENT_VOID", "PAYMENT_UNDER_WAY", "ALREADY_PAID"],
    keys: ({ orderId }) => [`order:${orderId}`],
  }),
  /** Gives back what an order was charged. */
  refund: operation(OrderPayment, Empty, { keys: ({ orderId }) => [`order:${orderId}`] }),
  /** Gives points for an order; a point for each whole euro. */
  reward: operation(Charge, Empty, { keys: ({ userId }) => [`wallet:${userId}`] }),
});

export type Payment = Infer<typeof Payment>;
export type Wallet = Infer<typeof Wallet>;
export type Entry = Infer<typeof Entry>;
