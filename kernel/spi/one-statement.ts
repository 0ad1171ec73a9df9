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

/** What an operation answers whose output is `Empty`. What answers something is a function. */
export interface AnswersNothing extends Readonly<Record<string, never>> {}

/** Builds the statement an operation consists of. */
export type Write = (on: TransactionHandle, input: unknown, output: unknown, call: BranchContext<never>) => Statement;

/** What is known of functions that consist of one statement, or of none. */
const known = new WeakMap<object, readonly Write[]>();

/**
 * A `reserve` or `apply` of one statement, for an operation that answers nothing. It is sent together with the row of the
 * fence, as a database transaction of its own: one trip instead of three. Where more belongs to the transaction, it is
 * a function like any other. Throws a TypeError for a `write` that is an async function.
 */
export function oneStatement<I, R extends string = never>({ write, none }: Doing<I, R>) {
  checkSync(write);
  const work = async (tx: TransactionHandle, input: I, call: BranchContext<R>): Promise<AnswersNothing> => {
    if (!(await changed(write(tx, input, call), call))) await (none ? none(tx, input, call) : nobody(call));
    return {};
  };
  const alone = (on: TransactionHandle, input: I, _: unknown, call: BranchContext<R>) => write(on, input, call);
  known.set(work, [alone as Write]);
  return work;
}

/** The same for `confirm`, `cancel` and `undo`, whatever the operation answers. */
export function finishingStatement<I, O>({ write, none }: Finishing<I, O>) {
  checkSync(write);
  const work = async (tx: TransactionHandle, input: I, output: O, call: BranchContext<never>): Promise<void> => {
    if (!(await changed(write(tx, input, output, call), call)))
      await (none ? none(tx, input, output, call) : nobody(call));
  };
  known.set(work, [write as Write]);
  return work;
}

/** Where an operation has nothing to do: only its row of the fence is written, in one trip. */
export const nothing: (() => Promise<AnswersNothing>) & (() => Promise<void>) = async () => ({}) as never;
known.set(nothing, []);

/** The statements a function consists of; undefined where only running it tells. */
export function statementsOf(work: object): readonly Write[] | undefined {
  return known.get(work);
}

/** Gives what a `write` gave. Throws a TypeError for what is no statement, or stands for one that was sent already. */
export function asStatement(given: unknown, { step }: { readonly step: string }): Statement {
  if (isStatement(given)) return given;
  if (given instanceof Promise) given.catch(() => undefined); // what is wrong is said here
  const what = given instanceof Promise ? "a promise" : given === undefined ? "nothing" : `a ${typeof given}`;
  throw new TypeError(`step ${step}: write gives ${what}. ${advice}`);
}

function isStatement(given: unknown): given is Statement {
  return isOfDrizzle(given) || typeof (given as { handler?: unknown } | null | undefined)?.handler === "function";
}

/** Whether a statement is drizzle's; else it is one of postgres.js. */
export function isOfDrizzle(statement: unknown): statement is PromiseLike<unknown> & SQLWrapper {
  return typeof (statement as Partial<SQLWrapper> | null | undefined)?.getSQL === "function";
}

const advice = "Return the statement itself: no async function, no await, no execute().";

/** For a `write` that sends its statement instead of giving it. */
export function sentTooEarly(): TypeError {
  return new TypeError(`write sends its statement. ${advice}`);
}

function checkSync(write: unknown): void {
  if (Object.prototype.toString.call(write) === "[object AsyncFunction]")
    throw new TypeError(`write is an async function. ${advice}`);
}

/** Whether a statement changed any row. */
async function changed(given: unknown, { step }: { readonly step: string }): Promise<boolean> {
  if (given instanceof Promise && !isStatement(given)) await given.catch(() => undefined); // still in the transaction
  const rows = (await asStatement(given, { step })) as { readonly length: number; readonly count?: number | null };
  if (rows.length === 0 && (rows.count ?? 0) > 0)
    throw new TypeError(
      `step ${step}: a statement does not tell which rows it changed. End it with RETURNING, or .returning()`,
    );
  return rows.length > 0;
}

function nobody({ step }: { readonly step: string }): never {
  throw new StatusError("INTERNAL", `step ${step} changed no row, and has no "none" that says what that means`);
}
