import { sql } from "drizzle-orm";
import {
  bigint,
  bigserial,
  boolean,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import { outboxTable } from "../shared/outbox-table.ts";

const statuses = ["PENDING", "AWAITING_PAYMENT", "PAID", "COMPLETED", "CANCELLING", "CANCELLED"] as const;
const status = () => text("status", { enum: statuses }).notNull();

export const orders = pgTable(
  "orders",
  {
    id: uuid("id").primaryKey(),
    /** Newest last; lists are paged by it. */
    number: bigserial("number", { mode: "bigint" }).notNull(),
    userId: text("user_id").notNull(),
    requestId: text("request_id").notNull(),
    status: status(),
    totalCents: bigint("total_cents", { mode: "bigint" }).notNull(),
    currency: text("currency").notNull(),
    coupon: text("coupon").notNull().default(""),
    discountCents: bigint("discount_cents", { mode: "bigint" }).notNull().default(sql`0`),
    cancelReason: text("cancel_reason").notNull().default(""),
    traceId: text("trace_id").notNull(),
    createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
    /** Placed without its price being taken. */
    payLater: boolean("pay_later").notNull().default(false),
    /** Until when it may be paid; from the moment it awaits its payment. */
    payBy: timestamp("pay_by", { withTimezone: true }),
    /** The request that paid it later; empty for none. */
    paymentRequest: text("payment_request").notNull().default(""),
    /** The trace of that request. */
    paymentTraceId: text("payment_trace_id").notNull().default(""),
    /** When somebody is to look at it if nothing has happened until then; null once it is final. */
    dueAt: timestamp("due_at", { withTimezone: true }),
  },
  (table) => [
    // Each way of placing is a transaction of its own, under whose key one order is placed.
    uniqueIndex("orders_request").on(table.userId, table.requestId, table.payLater),
    index("orders_user").on(table.userId, table.number),
    index("orders_due").on(table.dueAt).where(sql`due_at is not null`),
  ],
);

export const orderLines = pgTable(
  "order_lines",
  {
    orderId: uuid("order_id")
      .notNull()
      .references(() => orders.id),
    position: integer("position").notNull(),
    sku: text("sku").notNull(),
    name: text("name").notNull(),
    image: text("image").notNull(),
    quantity: integer("quantity").notNull(),
    unitCents: bigint("unit_cents", { mode: "bigint" }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.orderId, table.position] })],
);

/** The statuses an order has reached; each at most once. */
export const orderSteps = pgTable(
  "order_steps",
  {
    orderId: uuid("order_id")
      .notNull()
      .references(() => orders.id),
    status: status(),
    at: timestamp("at", { withTimezone: true }).notNull().default(sql`clock_timestamp()`),
  },
  (table) => [primaryKey({ columns: [table.orderId, table.status] })],
);

export const outbox = outboxTable();
