import { sql } from "drizzle-orm";
import { bigint, check, index, integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { outboxTable } from "../shared/outbox-table.ts";

export const products = pgTable(
  "products",
  {
    sku: text("sku").primaryKey(),
    name: text("name").notNull(),
    summary: text("summary").notNull(),
    description: text("description").notNull(),
    category: text("category").notNull(),
    priceCents: bigint("price_cents", { mode: "bigint" }).notNull(),
    currency: text("currency").notNull(),
    image: text("image").notNull(),
    /** Place in the list that opens the shop. */
    rank: integer("rank").notNull(),
  },
  (table) => [
    index("products_category").on(table.category),
    check("products_price_positive", sql`${table.priceCents} > 0`),
  ],
);

export const stock = pgTable(
  "stock",
  {
    sku: text("sku")
      .primaryKey()
      .references(() => products.sku),
    onHand: integer("on_hand").notNull(),
    /** The part of `onHand` that is promised to orders. */
    frozen: integer("frozen").notNull().default(0),
  },
  (table) => [check("stock_not_oversold", sql`${table.frozen} >= 0 and ${table.frozen} <= ${table.onHand}`)],
);

/** What an order was promised. The row is the fence that makes every step happen at most once. */
export const reservations = pgTable("reservations", {
  orderId: text("order_id").primaryKey(),
  state: text("state", { enum: ["FROZEN", "DEDUCTED", "RELEASED"] }).notNull(),
});

export const reservationLines = pgTable(
  "reservation_lines",
  {
    orderId: text("order_id")
      .notNull()
      .references(() => reservations.orderId),
    sku: text("sku").notNull(),
    quantity: integer("quantity").notNull(),
  },
  (table) => [primaryKey({ columns: [table.orderId, table.sku] })],
);

export const outbox = outboxTable();
