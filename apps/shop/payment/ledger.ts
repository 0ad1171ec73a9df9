import type { Orm } from "@mortise/kernel";
import { and, desc, eq, lt, sql, sum } from "drizzle-orm";
import { only, type Queryable, type Transaction } from "../shared/database.ts";
import { checkFunds, checkUntouched, pointsFor } from "./rules.ts";
import { journal, payments, points, wallets } from "./schema.ts";

export interface Welcome {
  readonly cents: bigint;
  readonly currency: string;
}

export type PaymentRow = typeof payments.$inferSelect;
export type EntryRow = typeof journal.$inferSelect;
type Kind = EntryRow["kind"];

type Wallet = typeof wallets.$inferSelect;

/** Wallets, payments and their journal. Every change of a balance is written with its line of the journal. */
export function ledger(orm: Orm, welcome: Welcome) {
  const wallet = orm
    .select({ balanceCents: wallets.balanceCents, heldCents: wallets.heldCents })
    .from(wallets)
    .where(eq(wallets.userId, sql.placeholder("userId")))
    .prepare("wallet_balance");
  const earned = orm
    .select({ points: sum(points.points) })
    .from(points)
    .where(eq(points.userId, sql.placeholder("userId")))
    .prepare("points_of_user");
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

  /** Locks the wallet for this transaction. */
  async function lock(tx: Transaction, userId: string): Promise<Wallet> {
    const locked = () => tx.select().from(wallets).where(eq(wallets.userId, userId)).for("update");
    const [row] = await locked();
    if (row) return row;
    await open(tx, userId);
    return only(await locked());
  }

  const nothing = (orderId: string): PaymentRow => {
    return { orderId, userId: "", cents: 0n, currency: welcome.currency, state: "VOID" };
  };

  /** Lets what was set aside be spent again. */
  async function setFree(tx: Transaction, { userId, cents }: PaymentRow): Promise<void> {
    const { heldCents } = await lock(tx, userId);
    await tx
      .update(wallets)
      .set({ heldCents: heldCents - cents })
      .where(eq(wallets.userId, userId));
  }

  const available = ({ balanceCents, heldCents }: Pick<Wallet, "balanceCents" | "heldCents">) =>
    balanceCents - heldCents;

  return {
    /** What can be spent, in cents; the first question opens the wallet. */
    balance: async (userId: string): Promise<bigint> => {
      const [row] = await wallet.execute({ userId });
      return available(row ?? (await orm.transaction((tx) => lock(tx, userId))));
    },

    points: async (userId: string): Promise<bigint> => BigInt((await earned.execute({ userId }))[0]?.points ?? 0),

    topUp: (userId: string, cents: bigint, requestId: string): Promise<bigint> =>
      orm.transaction(async (tx) => {
        const before = await lock(tx, userId);
        const reference = `${userId}/${requestId}`;
        const where = and(eq(journal.kind, "TOP_UP"), eq(journal.reference, reference));
        const done = await tx.select({ id: journal.id }).from(journal).where(where);
        if (done.length > 0) return available(before);
        const after = await move(tx, before, "TOP_UP", reference, { cents });
        return available(after);
      }),

    /** Sets the price of an order aside. */
    hold: async (tx: Transaction, orderId: string, wanted: Wanted): Promise<void> => {
      checkUntouched((await enter(tx, { orderId, ...wanted, state: "HELD" }))?.state);
      const { userId, heldCents, ...funds } = await lock(tx, wanted.userId);
      checkFunds({ ...funds, heldCents }, wanted.cents);
      await tx
        .update(wallets)
        .set({ heldCents: heldCents + wanted.cents })
        .where(eq(wallets.userId, userId));
    },

    /** Takes what was set aside. */
    capture: async (tx: Transaction, orderId: string): Promise<void> => {
      const { state, userId, cents } = only(await known(tx, orderId));
      if (state !== "HELD") return;
      await tx.update(payments).set({ state: "CHARGED" }).where(eq(payments.orderId, orderId));
      await move(tx, await lock(tx, userId), "CHARGE", orderId, { cents: -cents, heldCents: -cents });
    },

    /** Sets aside and takes at once. */
    charge: async (tx: Transaction, orderId: string, wanted: Wanted): Promise<void> => {
      checkUntouched((await enter(tx, { orderId, ...wanted, state: "CHARGED" }))?.state);
      const funds = await lock(tx, wanted.userId);
      checkFunds(funds, wanted.cents);
      await move(tx, funds, "CHARGE", orderId, { cents: -wanted.cents });
    },

    /** Gives back what was set aside, and forgets it: the order may be charged anew. */
    release: async (tx: Transaction, orderId: string): Promise<void> => {
      const before = only(await known(tx, orderId));
      if (before.state !== "HELD") return;
      await tx.delete(payments).where(eq(payments.orderId, orderId));
      await setFree(tx, before);
    },

    /** Gives back what was set aside or taken, or makes the payment void so that a charge that comes later is refused. */
    refund: async (tx: Transaction, orderId: string): Promise<void> => {
      const before = await enter(tx, nothing(orderId));
      if (before?.state !== "HELD" && before?.state !== "CHARGED") return;
      const state = before.state === "HELD" ? "VOID" : "REFUNDED";
      await tx.update(payments).set({ state }).where(eq(payments.orderId, orderId));
      if (state === "VOID") return setFree(tx, before);
      await move(tx, await lock(tx, before.userId), "REFUND", orderId, { cents: before.cents });
    },

    /** Makes the payment void where nothing was done about it yet. */
    bar: async (tx: Transaction, orderId: string): Promise<void> => {
      checkUntouched((await enter(tx, nothing(orderId)))?.state);
    },

    /** Lets an order be charged again that was barred. */
    unbar: async (tx: Transaction, orderId: string): Promise<void> => {
      await tx.delete(payments).where(and(eq(payments.orderId, orderId), eq(payments.state, "VOID")));
    },

    /** Gives the points of an order, once; the statement is not sent yet. */
    reward: (tx: Transaction, orderId: string, { userId, cents }: Wanted) =>
      tx
        .insert(points)
        .values({ orderId, userId, points: pointsFor(cents) })
        .onConflictDoNothing()
        .returning(),

    payment: async (orderId: string): Promise<PaymentRow | undefined> => (await payment.execute({ orderId }))[0],

    /** The newest entries first, those before `before` only. */
    entries: (userId: string, before: bigint | undefined, limit: number): Promise<EntryRow[]> => {
      const older = before === undefined ? undefined : lt(journal.id, before);
      const where = and(eq(journal.userId, userId), older);
      return orm.select().from(journal).where(where).orderBy(desc(journal.id)).limit(limit);
    },
  };
}

export type Ledger = ReturnType<typeof ledger>;
export type Wanted = Pick<PaymentRow, "userId" | "cents" | "currency">;

/** Writes the order's first state and gives nothing, or locks its payment and gives what is there. */
async function enter(tx: Transaction, row: PaymentRow): Promise<PaymentRow | undefined> {
  for (;;) {
    const inserted = await tx.insert(payments).values(row).onConflictDoNothing().returning({ id: payments.orderId });
    if (inserted.length > 0) return undefined;
    const [there] = await known(tx, row.orderId);
    if (there) return there; // else it was released in between
  }
}

function known(tx: Transaction, orderId: string): Promise<PaymentRow[]> {
  return tx.select().from(payments).where(eq(payments.orderId, orderId)).for("update");
}

/** Changes a wallet and writes its line of the journal, which tells the whole balance. */
async function move(
  tx: Transaction,
  wallet: Wallet,
  kind: Kind,
  reference: string,
  by: { readonly cents: bigint; readonly heldCents?: bigint },
): Promise<Wallet> {
  const balanceCents = wallet.balanceCents + by.cents;
  const heldCents = wallet.heldCents + (by.heldCents ?? 0n);
  await tx.update(wallets).set({ balanceCents, heldCents }).where(eq(wallets.userId, wallet.userId));
  await record(tx, wallet.userId, kind, reference, by.cents, balanceCents);
  return { ...wallet, balanceCents, heldCents };
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
