import { asc, eq, inArray, sql } from "drizzle-orm";
import type { Transaction } from "../shared/database.ts";
import { refusal } from "../shared/refusal.ts";
import {
  checkAvailable,
  deductStep,
  freezeStep,
  type Line,
  mergeLines,
  type ReservationState,
  releaseEffect,
} from "./rules.ts";
import { reservationLines, reservations, stock } from "./schema.ts";

/** Runs in the transaction of a change, for what must be written with it. */
export type Along = (tx: Transaction) => Promise<void>;

/** Promises stock to an order: all lines or none. Each change begins at the reservation of its order, so each happens once. */
export async function freeze(tx: Transaction, orderId: string, asked: readonly Line[]): Promise<void> {
  const lines = mergeLines(asked);
  const step = freezeStep(await enter(tx, orderId, "FROZEN"));
  if (step === "refuse") throw released(orderId);
  if (step === "nothing") return;
  checkAvailable(lines, await lock(tx, lines));
  await change(tx, lines, { frozen: 1 });
  await tx.insert(reservationLines).values(lines.map((line) => ({ orderId, ...line })));
}

/** Takes what was promised out of the house. `along` runs also when it had left before, so that a lost answer is given again. */
export async function deduct(tx: Transaction, orderId: string, along: Along): Promise<void> {
  const before = await current(tx, orderId);
  const step = deductStep(before);
  if (step === "refuse") throw before === "RELEASED" ? released(orderId) : notFrozen(orderId);
  if (step === "do") {
    const lines = await linesOf(tx, orderId);
    await lock(tx, lines);
    await change(tx, lines, { onHand: -1, frozen: -1 });
    await mark(tx, orderId, "DEDUCTED");
  }
  await along(tx);
}

/** Gives back what was promised or has left, and bars the order from both. */
export async function release(tx: Transaction, orderId: string): Promise<void> {
  const before = await enter(tx, orderId, "RELEASED");
  if (before === undefined || before === "RELEASED") return;
  const lines = await linesOf(tx, orderId);
  await lock(tx, lines);
  await change(tx, lines, releaseEffect(before));
  await mark(tx, orderId, "RELEASED");
}

/** Writes the order's first state and gives nothing, or locks its reservation and gives the state it has. */
async function enter(tx: Transaction, orderId: string, state: ReservationState): Promise<ReservationState | undefined> {
  const inserted = await tx
    .insert(reservations)
    .values({ orderId, state })
    .onConflictDoNothing()
    .returning({ state: reservations.state });
  return inserted.length > 0 ? undefined : current(tx, orderId);
}

async function current(tx: Transaction, orderId: string): Promise<ReservationState | undefined> {
  const where = eq(reservations.orderId, orderId);
  const [row] = await tx.select({ state: reservations.state }).from(reservations).where(where).for("update");
  return row?.state;
}

async function mark(tx: Transaction, orderId: string, state: ReservationState): Promise<void> {
  await tx.update(reservations).set({ state }).where(eq(reservations.orderId, orderId));
}

function linesOf(tx: Transaction, orderId: string): Promise<Line[]> {
  const columns = { sku: reservationLines.sku, quantity: reservationLines.quantity };
  return tx
    .select(columns)
    .from(reservationLines)
    .where(eq(reservationLines.orderId, orderId))
    .orderBy(asc(reservationLines.sku));
}

/** Locks the levels of these products, always in the order of their SKU, and reads them. */
export function lock(tx: Transaction, lines: readonly Line[]) {
  const skus = lines.map((line) => line.sku);
  return tx.select().from(stock).where(inArray(stock.sku, skus)).orderBy(asc(stock.sku)).for("update");
}

/** What a change does to the level of a product, per piece. */
export interface PerPiece {
  readonly onHand?: number;
  readonly frozen: number;
}

/** Changes the levels of these products, each of which is named once. */
export async function change(tx: Transaction, lines: readonly Line[], { onHand = 0, frozen }: PerPiece): Promise<void> {
  const values = sql.join(
    lines.map(({ sku, quantity }) => sql`(${sku}::text, ${quantity}::int)`),
    sql`, `,
  );
  await tx.execute(
    sql`update stock set on_hand = stock.on_hand + ${onHand}::int * line.quantity,
      frozen = stock.frozen + ${frozen}::int * line.quantity from (values ${values}) as line (sku, quantity) where stock.sku = line.sku`,
  );
}

/** An order whose stock was given back gets none any more. */
export function released(orderId: string): Error {
  return refusal("FAILED_PRECONDITION", "ORDER_RELEASED", "The stock of this order was given back.", { orderId });
}

function notFrozen(orderId: string): Error {
  return refusal("FAILED_PRECONDITION", "NOT_FROZEN", "No stock is promised to this order.", { orderId });
}
