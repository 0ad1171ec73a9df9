import type { SQLWrapper } from "drizzle-orm";
import type { PendingQuery, Row } from "postgres";
import { StatusError } from "../call/status.ts";
import type { BranchContext, TransactionHandle } from "./perform.ts";

/** A statement of postgres.js or of drizzle that is not sent yet. */
export type Statement = PromiseLike<unknown> & (SQLWrapper | Pick<PendingQuery<Row[]>, "cancel">);

/** One `insert`, `update` or `delete`. No row returned means that it changed none. */
export interface Doing<I, R extends string> {
  /** Builds the statement, with RETURNING, and gives it unsent: who awaits it sends it. May be called more than once. */
  write(on: TransactionHandle, input: I, call: BranchContext<R>): Statement;
  /** What to do when no row was changed, in the same database transaction: say no, or leave it at that. Default: an error. */
  none?(tx: TransactionHandle, input: I, call: BranchContext<R>): Promise<unknown>;
}

/** The same for what finishes a reservation or takes back what was applied. */
export interface Finishing<I, O> {
  write(on: TransactionHandle, input: I, output: O, call: BranchContext<never>): Statement;
  none?(tx: TransactionHandle, input: I, output: O, call: BranchContext<never>): Promise<unknown>;
}

/** Builds the statement an operation consists of. */
export type Write = (on: TransactionHandle, input: unknown, output: unknown, call: BranchContext<never>) => Statement;

/** What is known of functions that consist of one statement, or of none. */
const known = new WeakMap<object, readonly Write[]>();

/**
 * A `reserve`, `apply` or `check` of one statement, for an operation that answers nothing. It is sent together with the row of
 * the fence, as a database transaction of its own: one trip instead of three. Where more belongs to the transaction, it is
 * a function like any other.
 */
export function oneStatement<I, R extends string = never>({ write, none }: Doing<I, R>) {
  const work = async (tx: TransactionHandle, input: I, call: BranchContext<R>) => {
    if (!(await changed(write(tx, input, call)))) await (none ? none(tx, input, call) : nobody(call));
    return {} as Readonly<Record<string, never>>;
  };
  const alone = (on: TransactionHandle, input: I, _: unknown, call: BranchContext<R>) => write(on, input, call);
  known.set(work, [alone as Write]);
  return work;
}

/** The same for `confirm`, `cancel` and `undo`, whatever the operation answers. */
export function finishingStatement<I, O>({ write, none }: Finishing<I, O>) {
  const work = async (tx: TransactionHandle, input: I, output: O, call: BranchContext<never>): Promise<void> => {
    if (!(await changed(write(tx, input, output, call)))) await (none ? none(tx, input, output, call) : nobody(call));
  };
  known.set(work, [write as Write]);
  return work;
}

/** Where an operation has nothing to do: only its row of the fence is written, in one trip. */
export const nothing: (() => Promise<Readonly<Record<string, never>>>) & (() => Promise<void>) = async () =>
  ({}) as never;
known.set(nothing, []);

/** The statements a function consists of; undefined where only running it tells. */
export function statementsOf(work: object): readonly Write[] | undefined {
  return known.get(work);
}

/** Throws a TypeError for what is no statement, such as the promise of one that was sent already. */
export function isOfDrizzle(statement: Statement): statement is PromiseLike<unknown> & SQLWrapper {
  const { getSQL, handler } = statement as Partial<SQLWrapper> & { readonly handler?: unknown };
  if (typeof getSQL === "function") return true;
  if (typeof handler === "function") return false;
  throw new TypeError(
    "the write of an operation of one statement gives the statement unsent: do not await it, nor write it as an async function",
  );
}

/** Whether a statement changed any row. */
async function changed(statement: Statement): Promise<boolean> {
  isOfDrizzle(statement);
  const rows = (await statement) as { readonly length: number; readonly count?: number | null };
  if (rows.length === 0 && (rows.count ?? 0) > 0)
    throw new TypeError("an operation of one statement tells what it changed: end it with RETURNING, or .returning()");
  return rows.length > 0;
}

function nobody({ step }: BranchContext<never>): never {
  throw new StatusError("INTERNAL", `step ${step} changed no row, and has no "none" that says what that means`);
}
