import { transaction } from "@mortise/kernel/contract";
import { StockOperations } from "./inventory.ts";
import { OrderKey, OrderOperations, OrderToPlace } from "./order.ts";
import { WalletOperations } from "./payment.ts";

/** Promises the stock, takes the money, lets the order stand; then gives points. All of it or nothing. */
export const placeOrder = transaction("placeOrder", {
  input: OrderToPlace,
  needs: { isolation: "none", reply: "final" },
  plan: (plan) =>
    plan
      .step("stock", StockOperations.operations.hold, ({ id, lines }) => ({
        orderId: id,
        lines: lines.map(({ sku, quantity }) => ({ sku, quantity })),
      }))
      .step(
        "payment",
        WalletOperations.operations.charge,
        ({ id, userId, total }) => ({ orderId: id, userId, amount: total }),
        { after: ["stock"], pivot: true },
      )
      .step("order", OrderOperations.operations.open, (order) => order, { after: ["payment"] })
      .step(
        "points",
        WalletOperations.operations.reward,
        ({ id, userId, total }) => ({ orderId: id, userId, amount: total }),
        {
          afterCommit: true,
        },
      ),
});

/** Calls an order off, and gives back its money and its goods. */
export const cancelOrder = transaction("cancelOrder", {
  input: OrderKey,
  needs: { isolation: "none", reply: "accepted" },
  plan: (plan) =>
    plan
      .step("order", OrderOperations.operations.callOff, (key) => key, { pivot: true })
      .step("payment", WalletOperations.operations.refund, ({ orderId }) => ({ orderId }), { after: ["order"] })
      .step("stock", StockOperations.operations.giveBack, ({ orderId }) => ({ orderId }), { after: ["order"] }),
});
