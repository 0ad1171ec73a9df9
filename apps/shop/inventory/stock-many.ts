import { type ReserveAnswer, StatusError } from "@mortise/kernel";
import { asc, inArray } from "drizzle-orm";
import type { Transaction } from "../shared/database.ts";
import {
  checkAvailable,
  freezeStep,
  type Level,
  type Line,
  mergeLines,
  type ReservationState,
  releaseEffect,
} from "./rules.ts";
import { reservationLines, reservations } from "./schema.ts";
import { change, lock, released } from "./stock.ts";

/** What one order asks for. */
interface Asked {
  readonly orderId: string;
  readonly lines: readonly Line[];
}

type Reason = "OUT_OF_STOCK" | "NO_SUCH_PRODUCT" | "BAD_QUANTITY" | "ORDER_RELEASED";
type Answer = ReserveAnswer<Record<never, never>, Reason>;

/** The same as `freeze` for each in turn, but what cannot be promised to one is answered, and the others go on. */
export async function freezeMany(tx: Transaction, all: readonly Asked[]): Promise<Answer[]> {
  const states = await statesOf(tx, all);
  const levels = await levelsOf(tx, all);
  const promised: Asked[] = [];
  const answers = all.map(({ orderId, lines: asked }): Answer => {
    try {
      const lines = mergeLines(asked);
      const step = freezeStep(states.get(orderId));
      if (step === "refuse") throw released(orderId);
      if (step === "nothing") return { output: {} };
      checkAvailable(lines, [...levels.values()]);
      for (const { sku, quantity } of lines) promise(levels, sku, quantity);
      states.set(orderId, "FROZEN");
      promised.push({ orderId, lines });
      return { output: {} };
    } catch (error) {
      return refused(error);
    }
  });
  if (promised.length === 0) return answers;
  await tx.insert(reservations).values(promised.map(({ orderId }) => ({ orderId, state: "FROZEN" as const })));
  await tx
    .insert(reservationLines)
    .values(promised.flatMap(({ orderId, lines }) => lines.map((line) => ({ orderId, ...line }))));
  await change(tx, summed(promised.flatMap(({ lines }) => lines)), { frozen: 1 });
  return answers;
}

/** The same as `release` for each. */
export async function releaseMany(tx: Transaction, orderIds: readonly string[]): Promise<void> {
  const sorted = [...new Set(orderIds)].sort();
  await tx
    .insert(reservations)
    .values(sorted.map((orderId) => ({ orderId, state: "RELEASED" as const })))
    .onConflictDoNothing();
  const states = await statesOf(
    tx,
    sorted.map((orderId) => ({ orderId })),
  );
  const standing = sorted.filter((orderId) => states.get(orderId) !== "RELEASED");
  if (standing.length === 0) return;
  const lines = await tx.select().from(reservationLines).where(inArray(reservationLines.orderId, standing));
  await lock(tx, summed(lines));
  for (const state of ["FROZEN", "DEDUCTED"] as const) {
    const of = summed(lines.filter(({ orderId }) => states.get(orderId) === state));
    if (of.length > 0) await change(tx, of, releaseEffect(state));
  }
  await tx.update(reservations).set({ state: "RELEASED" }).where(inArray(reservations.orderId, standing));
}

/** Locks what is known of these orders, in one order for all. */
async function statesOf(
  tx: Transaction,
  all: readonly Pick<Asked, "orderId">[],
): Promise<Map<string, ReservationState>> {
  const ids = all.map(({ orderId }) => orderId);
  const known = tx.select().from(reservations).where(inArray(reservations.orderId, ids));
  const rows = await known.orderBy(asc(reservations.orderId)).for("update");
  return new Map(rows.map(({ orderId, state }) => [orderId, state]));
}

async function levelsOf(tx: Transaction, all: readonly Asked[]): Promise<Map<string, Level>> {
  const lines = all.flatMap((one) => one.lines);
  if (lines.length === 0) return new Map();
  return new Map((await lock(tx, lines)).map((level) => [level.sku, level]));
}

function promise(levels: Map<string, Level>, sku: string, quantity: number): void {
  const level = levels.get(sku);
  if (level) levels.set(sku, { ...level, frozen: level.frozen + quantity });
}

function summed(lines: readonly Line[]): readonly Line[] {
  const quantities = new Map<string, number>();
  for (const { sku, quantity } of lines) quantities.set(sku, (quantities.get(sku) ?? 0) + quantity);
  return [...quantities].map(([sku, quantity]) => ({ sku, quantity }));
}

/** A no of the rules as an answer; whatever else is thrown is thrown on. */
function refused(error: unknown): Answer {
  if (!(error instanceof StatusError) || error.reason === undefined) throw error;
  const { reason, message, details } = error;
  return { reject: { reason: reason as Reason, message, ...(details && { details }) } };
}
