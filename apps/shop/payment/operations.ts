import { finishingStatement, nothing, type Performances } from "@mortise/kernel";
import type { WalletOperations } from "@mortise/proto/shop/payment";
import type { Ledger, Wanted } from "./ledger.ts";
import { checkAmount } from "./rules.ts";

interface Asked {
  readonly userId: string;
  readonly amount: { readonly cents: bigint; readonly currency: string };
}

/** What transactions do with wallets. */
export function walletOperations(books: Ledger, currency: string): Performances<typeof WalletOperations> {
  const wanted = ({ userId, amount }: Asked): Wanted => {
    checkAmount(amount, currency);
    return { userId, cents: amount.cents, currency };
  };
  return {
    charge: {
      reserve: async ({ orm }, asked) => {
        await books.hold(orm, asked.orderId, wanted(asked));
        return {};
      },
      confirm: ({ orm }, { orderId }) => books.capture(orm, orderId),
      cancel: ({ orm }, { orderId }) => books.release(orm, orderId),
      undo: ({ orm }, { orderId }) => books.refund(orm, orderId),
      apply: async ({ orm }, asked) => {
        await books.charge(orm, asked.orderId, wanted(asked));
        return {};
      },
    },
    bar: {
      reserve: async ({ orm }, { orderId }) => {
        await books.bar(orm, orderId);
        return {};
      },
      confirm: nothing,
      cancel: ({ orm }, { orderId }) => books.unbar(orm, orderId),
    },
    refund: {
      reserve: nothing,
      confirm: ({ orm }, { orderId }) => books.refund(orm, orderId),
      cancel: nothing,
    },
    reward: {
      reserve: nothing,
      confirm: finishingStatement({
        write: ({ orm }, asked) => books.reward(orm, asked.orderId, wanted(asked)),
        none: async () => undefined, // it has its points
      }),
      cancel: nothing,
    },
  };
}
