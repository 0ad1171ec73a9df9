import type { Orm } from "@mortise/kernel";

/** A transaction under way on one database. */
export type Transaction = Parameters<Parameters<Orm["transaction"]>[0]>[0];

/** A database, or a transaction on it: what a query can run on. */
export type Queryable = Orm | Transaction;

/** The only row of a result that must have one. Throws when there is none, which is a bug of the caller. */
export function only<T>(rows: readonly T[]): T {
  const [row] = rows;
  if (row === undefined) throw new Error("a query that always gives a row gave none");
  return row;
}
