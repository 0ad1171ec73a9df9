import { refusal } from "../shared/refusal.ts";

/** A coupon everybody may use once. */
export interface Campaign {
  readonly code: string;
  readonly title: string;
  readonly percent: number;
  readonly minimumCents: number;
}

/** What a coupon takes off a price, in whole cents rounded down. NO_SUCH_COUPON or COUPON_MINIMUM where it takes nothing. */
export function discountCents(campaign: Campaign | undefined, priceCents: bigint): bigint {
  if (!campaign) throw refusal("NOT_FOUND", "NO_SUCH_COUPON", "There is no such coupon.");
  const minimum = BigInt(campaign.minimumCents);
  if (priceCents < minimum) {
    const message = `The coupon is for orders of at least ${(campaign.minimumCents / 100).toFixed(2)}.`;
    throw refusal("FAILED_PRECONDITION", "COUPON_MINIMUM", message, { minimumCents: String(minimum) });
  }
  return (priceCents * BigInt(campaign.percent)) / 100n;
}

/** Whether an order takes a coupon now (`do`) or took it before (`nothing`); COUPON_USED if another order has it. */
export function redeemStep(holder: string | undefined, orderId: string): "do" | "nothing" {
  if (holder === undefined) return "do";
  if (holder === orderId) return "nothing";
  throw refusal("FAILED_PRECONDITION", "COUPON_USED", "This coupon was used before.");
}
