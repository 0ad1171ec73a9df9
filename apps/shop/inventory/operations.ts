import { nothing, type Performances } from "@mortise/kernel";
import type { StockOperations } from "@mortise/proto/shop/inventory";
import { freeze, release } from "./stock.ts";
import { freezeMany, releaseMany } from "./stock-many.ts";

/** What transactions do with stock. A promise stays one until the goods leave, so there is nothing to confirm. */
export function stockOperations(changed: () => void): Performances<typeof StockOperations> {
  return {
    hold: {
      reserve: async ({ orm }, { orderId, lines }) => {
        await freeze(orm, orderId, lines);
        changed();
        return {};
      },
      confirm: nothing,
      cancel: async ({ orm }, { orderId }) => {
        await release(orm, orderId);
        changed();
      },
      undo: async ({ orm }, { orderId }) => {
        await release(orm, orderId);
        changed();
      },
      reserveMany: async ({ orm }, items) => {
        const answers = await freezeMany(
          orm,
          items.map(({ input }) => input),
        );
        changed();
        return answers;
      },
      confirmMany: async () => undefined,
      cancelMany: async ({ orm }, items) => {
        await releaseMany(
          orm,
          items.map(({ input }) => input.orderId),
        );
        changed();
      },
    },
    giveBack: {
      reserve: nothing,
      confirm: async ({ orm }, { orderId }) => {
        await release(orm, orderId);
        changed();
      },
      cancel: nothing,
    },
  };
}
