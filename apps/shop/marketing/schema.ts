import { index, pgTable, primaryKey, text, timestamp } from "drizzle-orm/pg-core";

/** Coupons that orders have taken; each customer may use each once. */
export const redemptions = pgTable(
  "redemptions",
  {
    userId: text("user_id").notNull(),
    code: text("code").notNull(),
    orderId: text("order_id").notNull(),
    at: timestamp("at", { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.code] }), index("redemptions_order").on(table.orderId)],
);
