import { sql } from "drizzle-orm";
import { bigint, bigserial, check, index, pgTable, text, timestamp, uniqueIndex } from "drizzle-orm/pg-core";

export const wallets = pgTable(
  "wallets",
  {
    userId: text("user_id").primaryKey(),
    balanceCents: bigint("balance_cents", { mode: "bigint" }).notNull(),
    /** Set aside for orders that are being placed; still part of the balance. */
    heldCents: bigint("held_cents", { mode: "bigint" }).notNull().default(sql`0`),
    currency: text("currency").notNull(),
  },
  (table) => [
    check("wallets_never_in_debt", sql`${table.balanceCents} >= 0`),
    check("wallets_hold_what_is_held", sql`${table.heldCents} >= 0 and ${table.heldCents} <= ${table.balanceCents}`),
  ],
);

/** Points of customers, for each order once. */
export const points = pgTable(
  "points",
  {
    orderId: text("order_id").primaryKey(),
    userId: text("user_id").notNull(),
    points: bigint("points", { mode: "bigint" }).notNull(),
  },
  (table) => [index("points_user").on(table.userId)],
);

/** The one payment of an order. The row is the fence that makes charging and refunding happen at most once. */
export const payments = pgTable("payments", {
  orderId: text("order_id").primaryKey(),
  /** Empty when it was made void before anybody was charged. */
  userId: text("user_id").notNull(),
  cents: bigint("cents", { mode: "bigint" }).notNull(),
  currency: text("currency").notNull(),
  state: text("state", { enum: ["HELD", "CHARGED", "REFUNDED", "VOID"] }).notNull(),
});

/** Every movement of every wallet. Rows are only ever added. */
export const journal = pgTable(
  "journal",
  {
    id: bigserial("id", { mode: "bigint" }).primaryKey(),
    userId: text("user_id")
      .notNull()
      .references(() => wallets.userId),
    kind: text("kind", { enum: ["WELCOME", "TOP_UP", "CHARGE", "REFUND"] }).notNull(),
    /** What makes it unique among its kind: the order, the request of a top-up, the user of a welcome present. */
    reference: text("reference").notNull(),
    /** Negative when money left the wallet. */
    cents: bigint("cents", { mode: "bigint" }).notNull(),
    balanceCents: bigint("balance_cents", { mode: "bigint" }).notNull(),
    at: timestamp("at", { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    uniqueIndex("journal_once").on(table.kind, table.reference),
    index("journal_user").on(table.userId, table.id),
  ],
);
