import { int64, message, string } from "@mortise/kernel/contract";

/** An amount of money in the smallest unit of its currency; never a fraction. */
export const Money = message("shop.common.v1.Money", {
  cents: int64(1),
  /** ISO 4217, for example `EUR`. */
  currency: string(2),
});
