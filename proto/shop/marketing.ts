import type { Infer } from "@mortise/kernel/contract";
import {
  bool,
  Empty,
  field,
  int32,
  message,
  operation,
  operations,
  repeated,
  required,
  rpc,
  service,
  string,
} from "@mortise/kernel/contract";
import { Money } from "./common.ts";

/** What a customer may once take off the price of an order. */
export const Coupon = message("shop.marketing.v1.Coupon", {
  code: string(1),
  /** For people. */
  title: string(2),
  /** Of the price, in percent. */
  percent: int32(3),
  /** The price an order must have at least. */
  minimum: required(field(4, Money)),
  used: bool(5),
});

export const CouponOwner = message("shop.marketing.v1.CouponOwner", { userId: string(1) });
export const CouponList = message("shop.marketing.v1.CouponList", { coupons: repeated(field(1, Coupon)) });

export const QuoteRequest = message("shop.marketing.v1.QuoteRequest", {
  userId: string(1),
  code: string(2),
  price: required(field(3, Money)),
});
export const Quote = message("shop.marketing.v1.Quote", { discount: required(field(1, Money)) });

/** Takes a coupon for an order. Without a code nothing is taken. */
export const Redeem = message("shop.marketing.v1.Redeem", {
  orderId: string(1),
  userId: string(2),
  code: string(3),
  price: required(field(4, Money)),
  discount: required(field(5, Money)),
});
export const Redeemed = message("shop.marketing.v1.Redeemed", { orderId: string(1) });

/**
 * Coupons of customers.
 *
 * Reasons: NO_SUCH_COUPON (NOT_FOUND), COUPON_USED, COUPON_MINIMUM (FAILED_PRECONDITION; detail `minimumCents`),
 * DISCOUNT_CHANGED (FAILED_PRECONDITION).
 */
export const Marketing = service("shop.marketing.v1.Marketing", {
  listCoupons: rpc(CouponOwner, CouponList, { readOnly: true }),
  /** What a coupon takes off; holds nothing. */
  quote: rpc(QuoteRequest, Quote, { readOnly: true, criticality: "high" }),
});

/** What transactions do with coupons. Reasons as above. */
export const CouponOperations = operations("shop.marketing.v1.CouponOperations", {
  redeem: operation(Redeem, Empty, {
    rejects: ["NO_SUCH_COUPON", "COUPON_USED", "COUPON_MINIMUM", "DISCOUNT_CHANGED"],
    undo: true,
    keys: ({ userId, code }) => (code === "" ? [] : [`coupon:${userId}/${code}`]),
  }),
  /** Lets the coupon of an order be used again. */
  giveBack: operation(Redeemed, Empty, { keys: ({ orderId }) => [`order:${orderId}`] }),
});

export type Coupon = Infer<typeof Coupon>;
