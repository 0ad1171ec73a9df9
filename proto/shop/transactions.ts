import { transaction } from "@mortise/kernel/contract";
import { StockOperations } from "./inventory.ts";
import { CouponOperations } from "./marketing.ts";
import { OrderKey, OrderOperations, OrderToPlace } from "./order.ts";
import { WalletOperations } from "./payment.ts";

/** Promises the stock, takes coupon and money, lets the order stand; then gives points. All of it or nothing. */
export const placeOrder = transaction("placeOrder", {
  input: OrderToPlace,
  needs: { isolation: "none", reply: "final" },
  plan: (plan) =>
    plan
      .step("stock", StockOperations.operations.hold, ({ id, lines }) => ({
        orderId: id,
        lines: lines.map(({ sku, quantity }) => ({ sku, quantity })),
      }))
      .step("coupon", CouponOperations.operations.redeem, ({ id, userId, coupon, total, discount }) => ({
        orderId: id,
        userId,
        code: coupon,
        price: { ...total, cents: total.cents + discount.cents },
        discount,
      }))
      .step("payment", WalletOperations.operations.charge, charge, { after: ["stock", "coupon"], pivot: true })
      .step("order", OrderOperations.operations.open, (order) => order, { after: ["payment"] })
      .step("points", WalletOperations.operations.reward, charge, { afterCommit: true }),
});

/** Calls an order off, and gives back its money, its coupon and its goods. */
export const cancelOrder = transaction("cancelOrder", {
  input: OrderKey,
  needs: { isolation: "none", reply: "accepted" },
  plan: (plan) =>
    plan
      .step("order", OrderOperations.operations.callOff, (key) => key, { pivot: true })
      .step("payment", WalletOperations.operations.refund, of, { after: ["order"] })
      .step("coupon", CouponOperations.operations.giveBack, of, { after: ["order"] })
      .step("stock", StockOperations.operations.giveBack, of, { after: ["order"] }),
});

function charge({ id, userId, total }: OrderToPlace) {
  return { orderId: id, userId, amount: total };
}

function of({ orderId }: { readonly orderId: string }) {
  return { orderId };
}
