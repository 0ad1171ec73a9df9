import type { Orm } from "@mortise/kernel";
import { and, eq } from "drizzle-orm";
import type { Transaction } from "../shared/database.ts";
import { redeemStep } from "./rules.ts";
import { redemptions } from "./schema.ts";

/** Who has used which coupon. */
export function couponBook(orm: Orm) {
  return {
    used: async (userId: string): Promise<ReadonlySet<string>> => {
      const rows = await orm.select({ code: redemptions.code }).from(redemptions).where(eq(redemptions.userId, userId));
      return new Set(rows.map(({ code }) => code));
    },

    take: async (tx: Transaction, userId: string, code: string, orderId: string): Promise<void> => {
      const taken = await tx.insert(redemptions).values({ userId, code, orderId }).onConflictDoNothing().returning();
      if (taken.length > 0) return;
      const mine = and(eq(redemptions.userId, userId), eq(redemptions.code, code));
      const [row] = await tx.select({ orderId: redemptions.orderId }).from(redemptions).where(mine).for("update");
      redeemStep(row?.orderId, orderId);
    },

    giveBack: async (tx: Transaction, orderId: string): Promise<void> => {
      await tx.delete(redemptions).where(eq(redemptions.orderId, orderId));
    },
  };
}

export type CouponBook = ReturnType<typeof couponBook>;
