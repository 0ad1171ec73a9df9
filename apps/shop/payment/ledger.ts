import type { Orm } from "@mortise/kernel";
import { and, desc, eq, lt, sql } from "drizzle-orm";
import { only, type Queryable, type Transaction } from "../shared/database.ts";
import { balanceAfterCharge, chargeStep, type PaymentFacts } from "./rules.ts";
import { journal, payments, wallets } from "./schema.ts";

export interface Welcome {
  readonly cents: bigint;
  readonly currency: string;
}

export type PaymentRow = typeof payments.$inferSelect;
export type EntryRow = typeof journal.$inferSelect;
type Kind = EntryRow["kind"];

/** Wallets, payments and their journal. Every change of a balance is written with its line of the journal. */
export function ledger(orm: Orm, welcome: Welcome) {
  const balance = orm
    .select({ balanceCents: wallets.balanceCents })
    .from(wallets)
    .where(eq(wallets.userId, sql.placeholder("userId")))
    .prepare("wallet_balance");
  const payment = orm
    .select()
    .from(payments)
    .where(eq(payments.orderId, sql.placeholder("orderId")))
    .prepare("payment_by_order");

  /** Opens the wallet of a user who has none. */
  async function open(on: Queryable, userId: string): Promise<void> {
    const values = { userId, balanceCents: welcome.cents, currency: welcome.currency };
    const opened = await on.insert(wallets).values(values).onConflictDoNothing().returning({ id: wallets.userId });
    if (opened.length === 0 || welcome.cents === 0n) return;
    await record(on, userId, "WELCOME", userId, welcome.cents, welcome.cents);
  }

  /** Locks the wallet for this transaction and gives its balance in cents. */
  async function lock(tx: Transaction, userId: string): Promise<bigint> {
    const where = eq(wallets.userId, userId);
    const locked = () => tx.select({ cents: wallets.balanceCents }).from(wallets).where(where).for("update");
    const [row] = await locked();
    if (row) return row.cents;
    await open(tx, userId);
    return only(await locked()).cents;
  }

  return {
    /** The balance in cents; the first question opens the wallet. */
    balance: async (userId: string): Promise<bigint> => {
      const [row] = await balance.execute({ userId });
      return row?.balanceCents ?? orm.transaction((tx) => lock(tx, userId));
    },

    topUp: (userId: string, cents: bigint, requestId: string): Promise<bigint> =>
      orm.transaction(async (tx) => {
        const before = await lock(tx, userId);
        const reference = `${userId}/${requestId}`;
        const where = and(eq(journal.kind, "TOP_UP"), eq(journal.reference, reference));
        const done = await tx.select({ id: journal.id }).from(journal).where(where);
        if (done.length > 0) return before;
        return move(tx, userId, "TOP_UP", reference, cents, before + cents);
      }),

    charge: (orderId: string, wanted: Omit<PaymentFacts, "state">): Promise<PaymentRow> =>
      orm.transaction(async (tx) => {
        const row: PaymentRow = { orderId, ...wanted, state: "CHARGED" };
        const before = await enter(tx, row);
        if (chargeStep(before, wanted) === "nothing") return row;
        const after = balanceAfterCharge(await lock(tx, wanted.userId), wanted.cents);
        await move(tx, wanted.userId, "CHARGE", orderId, -wanted.cents, after);
        return row;
      }),

    /** Gives back what was charged, or makes the payment void so that a charge that comes later is refused. */
    refund: (orderId: string): Promise<PaymentRow> =>
      orm.transaction(async (tx) => {
        const nothing: PaymentRow = { orderId, userId: "", cents: 0n, currency: welcome.currency, state: "VOID" };
        const before = await enter(tx, nothing);
        if (before === undefined) return nothing;
        if (before.state !== "CHARGED") return before;
        await tx.update(payments).set({ state: "REFUNDED" }).where(eq(payments.orderId, orderId));
        const after = (await lock(tx, before.userId)) + before.cents;
        await move(tx, before.userId, "REFUND", orderId, before.cents, after);
        return { ...before, state: "REFUNDED" };
      }),

    payment: async (orderId: string): Promise<PaymentRow | undefined> => (await payment.execute({ orderId }))[0],

    /** The newest entries first, those before `before` only. */
    entries: (userId: string, before: bigint | undefined, limit: number): Promise<EntryRow[]> => {
      const older = before === undefined ? undefined : lt(journal.id, before);
      const where = and(eq(journal.userId, userId), older);
      return orm.select().from(journal).where(where).orderBy(desc(journal.id)).limit(limit);
    },
  };
}

/** Writes the order's first state and gives nothing, or locks its payment and gives what is there. */
async function enter(tx: Transaction, row: PaymentRow): Promise<PaymentRow | undefined> {
  const inserted = await tx.insert(payments).values(row).onConflictDoNothing().returning({ id: payments.orderId });
  if (inserted.length > 0) return undefined;
  return only(await tx.select().from(payments).where(eq(payments.orderId, row.orderId)).for("update"));
}

async function move(
  tx: Transaction,
  userId: string,
  kind: Kind,
  reference: string,
  cents: bigint,
  balanceCents: bigint,
): Promise<bigint> {
  await tx.update(wallets).set({ balanceCents }).where(eq(wallets.userId, userId));
  await record(tx, userId, kind, reference, cents, balanceCents);
  return balanceCents;
}

async function record(
  on: Queryable,
  userId: string,
  kind: Kind,
  reference: string,
  cents: bigint,
  balanceCents: bigint,
): Promise<void> {
  await on.insert(journal).values({ userId, kind, reference, cents, balanceCents });
}
