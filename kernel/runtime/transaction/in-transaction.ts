import { beginWith } from "../../postgres/guard-transactions.ts";
import type { TransactionHandle } from "../../spi/perform.ts";
import type { Database } from "../../spi/store.ts";
import { branchSettings } from "./fence.ts";

type Sql = TransactionHandle["sql"];

/** Leaves a statement to be answered together with the COMMIT that follows it. */
export type Last = (statement: Promise<unknown>) => void;

type Work<T> = (tx: TransactionHandle, last: Last) => Promise<T>;

/**
 * Both faces of one transaction of a database; a wait for a lock in it is bounded. A `last` statement that fails makes of the
 * COMMIT behind it a ROLLBACK, and this reject.
 */
export function inTransaction<T>(database: Database, work: Work<T>): Promise<T> {
  return transact(database, false, work);
}

/** The same for work that begins with a row of the fence and waits for that: it travels with the BEGIN. */
export function inFencedTransaction<T>(database: Database, work: Work<T>): Promise<T> {
  return transact(database, true, work);
}

async function transact<T>({ orm }: Database, ahead: boolean, work: Work<T>): Promise<T> {
  let trailing: Promise<unknown> | undefined;
  const last: Last = (statement) => {
    trailing = statement;
    statement.catch(() => undefined); // told below
  };
  const value = await beginWith(sqlOf(orm), { text: branchSettings, ahead }, () =>
    orm.transaction((tx) => work({ orm: tx, sql: sqlOf(tx) }, last)),
  );
  await trailing;
  return value;
}

/** What drizzle 0.45 sends its queries with, of a database or of a transaction of it; the tests notice a change. */
export function sqlOf(orm: unknown): Sql {
  return (orm as { readonly session: { readonly client: Sql } }).session.client;
}

/** Ends a transaction with PREPARE TRANSACTION in place of COMMIT. */
export function prepareAs({ sql }: TransactionHandle, name: string): void {
  void (sql as unknown as Preparing).prepare(name);
}

/** postgres.js 3.4 takes down the name. */
interface Preparing {
  prepare(name: string): unknown;
}
