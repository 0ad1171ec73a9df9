import { transaction } from "@mortise/kernel/contract";
import { StockOperations } from "./inventory.ts";
import { CouponOperations } from "./marketing.ts";
import { OrderKey, OrderOperations, OrderToDrop, OrderToPay, OrderToPlace } from "./order.ts";
import { WalletOperations } from "./payment.ts";

/** Promises the stock, takes coupon and money, lets the order stand; then gives points. All of it or nothing. */
export const placeOrder = transaction("placeOrder", {
  input: OrderToPlace,
  needs: { isolation: "none", reply: "final" },
  plan: (plan) =>
    plan
      .step("stock", StockOperations.operations.hold, stockOf)
      .step("coupon", CouponOperations.operations.redeem, couponOf)
      .step("payment", WalletOperations.operations.charge, charge, { after: ["stock", "coupon"], pivot: true })
      .step("order", OrderOperations.operations.open, (order) => order, { after: ["payment"] })
      .step("points", WalletOperations.operations.reward, charge, { afterCommit: true }),
});

/** The same for an order that is paid later: promises the stock, takes the coupon, and lets the order await its payment. */
export const holdOrder = transaction("holdOrder", {
  input: OrderToPlace,
  needs: { isolation: "none", reply: "final" },
  plan: (plan) =>
    plan
      .step("stock", StockOperations.operations.hold, stockOf)
      .step("coupon", CouponOperations.operations.redeem, couponOf)
      .step("order", OrderOperations.operations.open, (order) => order, { after: ["stock", "coupon"], pivot: true }),
});

/** Takes the money for an order that awaits it, lets it stand as paid; then gives points. */
export const payOrder = transaction("payOrder", {
  input: OrderToPay,
  needs: { isolation: "none", reply: "final" },
  plan: (plan) =>
    plan
      .step("payment", WalletOperations.operations.charge, price, { pivot: true })
      .step("order", OrderOperations.operations.pay, (order) => order, { after: ["payment"] })
      .step("points", WalletOperations.operations.reward, price, { afterCommit: true }),
});

/** Ends an order that awaits its payment: bars it from being paid, and gives back its coupon and its goods. */
export const dropOrder = transaction("dropOrder", {
  input: OrderToDrop,
  needs: { isolation: "none", reply: "accepted" },
  plan: (plan) =>
    plan
      .step("payment", WalletOperations.operations.bar, of, { pivot: true })
      .step("order", OrderOperations.operations.drop, (order) => order, { after: ["payment"] })
      .step("coupon", CouponOperations.operations.giveBack, of, { after: ["payment"] })
      .step("stock", StockOperations.operations.giveBack, of, { after: ["payment"] }),
});

/** Calls off an order that was paid, and gives back its money, its coupon and its goods. */
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

function stockOf({ id, lines }: OrderToPlace) {
  return { orderId: id, lines: lines.map(({ sku, quantity }) => ({ sku, quantity })) };
}

function couponOf({ id, userId, coupon, total, discount }: OrderToPlace) {
  return { orderId: id, userId, code: coupon, price: { ...total, cents: total.cents + discount.cents }, discount };
}

function charge({ id, userId, total }: OrderToPlace) {
  return { orderId: id, userId, amount: total };
}

function price({ orderId, userId, amount }: OrderToPay) {
  return { orderId, userId, amount };
}

function of({ orderId }: { readonly orderId: string }) {
  return { orderId };
}
