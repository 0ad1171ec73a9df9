import type { Orm } from "@mortise/kernel";
import type { OrderToPlace, PlaceOrder } from "@mortise/proto/shop/order";
import { and, asc, desc, eq, inArray, lt, sql } from "drizzle-orm";
import type { Transaction } from "../shared/database.ts";
import type { Status } from "./rules.ts";
import { orderLines, orderSteps, orders } from "./schema.ts";

export type OrderRow = typeof orders.$inferSelect;
export type LineRow = typeof orderLines.$inferSelect;
export type StepRow = typeof orderSteps.$inferSelect;

/** An order with all that belongs to it. */
export interface FullOrder {
  readonly row: OrderRow;
  readonly lines: readonly LineRow[];
  readonly steps: readonly StepRow[];
}

/** Runs in the transaction of a change, for what must be written with it. */
export type Along = (tx: Transaction, order: OrderRow) => Promise<void>;

export interface Move {
  readonly from: readonly Status[];
  readonly to: Status;
  readonly cancelReason?: string;
  /** The request that paid it. */
  readonly paymentRequest?: string;
  readonly paymentTraceId?: string;
  readonly along?: Along;
}

/** Periods of orders, in milliseconds. */
export interface Periods {
  /** How long after an order stands it is told of again. */
  readonly remindAfterMs: number;
  /** How long an order may await its payment. */
  readonly payWithinMs: number;
  /** How long after an order should have been dropped it is tried again. */
  readonly dropAgainMs: number;
}

const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The steps up to the status of the row: rows and steps are read one by one, and the order may go on meanwhile. */
function stepsTo({ status }: OrderRow, steps: readonly StepRow[]): readonly StepRow[] {
  return steps.slice(0, steps.findIndex((step) => step.status === status) + 1);
}

/** Everything the order service asks of its database. */
export function orderBook(orm: Orm, { remindAfterMs, payWithinMs, dropAgainMs }: Periods) {
  const payBy = fromNow(payWithinMs);
  const remind = fromNow(remindAfterMs);
  const id = sql.placeholder("id");
  const byId = orm.select().from(orders).where(eq(orders.id, id)).prepare("order_by_id");
  const linesById = orm
    .select()
    .from(orderLines)
    .where(eq(orderLines.orderId, id))
    .orderBy(asc(orderLines.position))
    .prepare("order_lines_by_id");
  const stepsById = orm
    .select()
    .from(orderSteps)
    .where(eq(orderSteps.orderId, id))
    .orderBy(asc(orderSteps.at))
    .prepare("order_steps_by_id");

  async function get(id: string): Promise<FullOrder | undefined> {
    if (!uuidForm.test(id)) return undefined;
    const [[row], lines, steps] = await Promise.all([
      byId.execute({ id }),
      linesById.execute({ id }),
      stepsById.execute({ id }),
    ]);
    if (!row) return undefined;
    const behind = !steps.some(({ status }) => status === row.status); // it moved between the reads
    return { row, lines, steps: stepsTo(row, behind ? await stepsById.execute({ id }) : steps) };
  }

  /** Writes a new order. What is there already under its id, or under the request of its user, stays. */
  async function insert(tx: Transaction, order: OrderToPlace, status: "PENDING" | "CANCELLED"): Promise<void> {
    const { id, userId, requestId, traceId, total, lines, coupon } = order;
    const { cents: totalCents, currency } = total;
    const { payLater } = order;
    const discountCents = order.discount.cents;
    const values = { id, userId, requestId, traceId, totalCents, currency, coupon, discountCents, payLater, status };
    const inserted = await tx.insert(orders).values(values).onConflictDoNothing().returning({ id: orders.id });
    if (inserted.length === 0) return;
    const rows = lines.map(({ unitPrice, ...line }, position) => ({
      ...line,
      unitCents: unitPrice.cents,
      orderId: id,
      position,
    }));
    await tx.insert(orderLines).values(rows);
    await tx.insert(orderSteps).values({ orderId: id, status });
  }

  return {
    get,

    /** The order a request has placed; one that was placed the same way, if there are two. */
    byRequest: async ({ userId, requestId, payLater }: PlaceOrder): Promise<FullOrder | undefined> => {
      const where = and(eq(orders.userId, userId), eq(orders.requestId, requestId));
      const rows = await orm.select({ id: orders.id, payLater: orders.payLater }).from(orders).where(where);
      const row = rows.find((one) => one.payLater === payLater) ?? rows[0];
      return row && get(row.id);
    },

    /** Whether the time to pay an order is over, by the clock of the database. */
    overdue: async (orderId: string): Promise<boolean> => {
      const over = sql<boolean>`coalesce(${orders.payBy} <= now(), false)`;
      const [row] = await orm.select({ over }).from(orders).where(eq(orders.id, orderId));
      return row?.over ?? false;
    },

    insert,

    /** Moves an order to another status if it is in one of `from`. Tells whether it did. */
    move: async (tx: Transaction, orderId: string, { from, to, along, ...told }: Move): Promise<boolean> => {
      const dueAt = to === "PAID" ? remind : to === "AWAITING_PAYMENT" ? payBy : null;
      const [row] = await tx
        .update(orders)
        .set({ status: to, dueAt, ...(to === "AWAITING_PAYMENT" && { payBy }), ...told })
        .where(and(eq(orders.id, orderId), inArray(orders.status, [...from])))
        .returning();
      if (!row) return false;
      await tx.insert(orderSteps).values({ orderId, status: to }).onConflictDoNothing();
      await along?.(tx, row);
      return true;
    },

    /** Keeps an order that was refused, with the reason, for its customer to see. */
    refuse: (order: OrderToPlace, reason: string): Promise<void> =>
      orm.transaction(async (tx) => {
        await insert(tx, order, "CANCELLED");
        const refused = and(eq(orders.id, order.id), eq(orders.status, "CANCELLED"));
        await tx.update(orders).set({ cancelReason: reason }).where(refused);
      }),

    /** Writes something that belongs to an order. */
    along: (order: OrderRow, along: Along): Promise<void> => orm.transaction((tx) => along(tx, order)),

    /** The newest first, those before `before` only. */
    list: async (userId: string, before: bigint | undefined, limit: number): Promise<FullOrder[]> => {
      const where = and(eq(orders.userId, userId), before === undefined ? undefined : lt(orders.number, before));
      const rows = await orm.select().from(orders).where(where).orderBy(desc(orders.number)).limit(limit);
      const ids = rows.map((row) => row.id);
      if (ids.length === 0) return [];
      const [lines, steps] = await Promise.all([
        orm.select().from(orderLines).where(inArray(orderLines.orderId, ids)).orderBy(asc(orderLines.position)),
        orm.select().from(orderSteps).where(inArray(orderSteps.orderId, ids)).orderBy(asc(orderSteps.at)),
      ]);
      const linesOf = Map.groupBy(lines, (line) => line.orderId);
      const stepsOf = Map.groupBy(steps, (step) => step.orderId);
      return rows.map((row) => ({
        row,
        lines: linesOf.get(row.id) ?? [],
        steps: stepsTo(row, stepsOf.get(row.id) ?? []),
      }));
    },

    /** Takes orders of a status that are due by the database's clock, each by one process only, and puts their time off. */
    claimDue: (status: "PAID" | "AWAITING_PAYMENT", limit: number): Promise<OrderRow[]> => {
      const due = orm
        .select({ id: orders.id })
        .from(orders)
        .where(and(eq(orders.status, status), sql`${orders.dueAt} <= now()`))
        .orderBy(asc(orders.dueAt))
        .limit(limit)
        .for("update", { skipLocked: true });
      const again = status === "PAID" ? remind : fromNow(dropAgainMs);
      return orm.update(orders).set({ dueAt: again }).where(inArray(orders.id, due)).returning();
    },
  };
}

/** A moment by the clock of the database. */
function fromNow(ms: number) {
  return sql`now() + ${ms} * interval '1 millisecond'`;
}

export type OrderBook = ReturnType<typeof orderBook>;
