import { nothing, type Performances } from "@mortise/kernel";
import type { CouponOperations } from "@mortise/proto/shop/marketing";
import { refusal } from "../shared/refusal.ts";
import type { CouponBook } from "./coupons.ts";
import { type Campaign, discountCents } from "./rules.ts";

/** What transactions do with coupons. One that is taken stays so unless it is given back, so there is nothing to confirm. */
export function couponOperations(
  book: CouponBook,
  campaigns: ReadonlyMap<string, Campaign>,
): Performances<typeof CouponOperations> {
  return {
    redeem: {
      reserve: async ({ orm }, { orderId, userId, code, price, discount }) => {
        if (code === "") return {};
        if (discountCents(campaigns.get(code), price.cents) !== discount.cents)
          throw refusal("FAILED_PRECONDITION", "DISCOUNT_CHANGED", "The coupon takes off something else by now.");
        await book.take(orm, userId, code, orderId);
        return {};
      },
      confirm: nothing,
      cancel: ({ orm }, { orderId }) => book.giveBack(orm, orderId),
      undo: ({ orm }, { orderId }) => book.giveBack(orm, orderId),
    },
    giveBack: {
      reserve: nothing,
      confirm: ({ orm }, { orderId }) => book.giveBack(orm, orderId),
      cancel: nothing,
    },
  };
}
