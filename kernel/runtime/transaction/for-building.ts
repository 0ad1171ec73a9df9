import type { PendingQuery, Row } from "postgres";
import { sentTooEarly } from "../../spi/one-statement.ts";
import type { TransactionHandle } from "../../spi/perform.ts";
import type { Orm } from "../../spi/store.ts";
import { sqlOf } from "./in-transaction.ts";

/** The part of a query of postgres.js 3.4 that is not in its types and that this depends on; the tests would notice a change. */
interface Query extends PendingQuery<Row[]> {
  handler(query: { reject(error: Error): void }): void;
}

type Make = (...given: unknown[]) => unknown;

/**
 * Both faces of a database for whoever builds a statement and does not send it: there is no database transaction it would
 * belong to. What is sent all the same rejects with a TypeError.
 */
export function forBuilding(orm: Orm): TransactionHandle {
  const client = sqlOf(orm);
  const make = client as unknown as Make;
  const { unsafe } = client as unknown as { readonly unsafe: Make };
  const sql = Object.assign((...given: unknown[]) => unsendable(make(...given)), client, {
    unsafe: (...given: unknown[]) => unsendable(unsafe(...given)),
    begin: refuse,
    file: refuse,
  });
  const silent = { unsafe: refuse, begin: refuse };
  // drizzle 0.45 asks the session of a database for its client when a query is prepared
  const { session } = orm as unknown as { readonly session: object };
  const own = { session: { value: Object.create(session, { client: { value: silent } }) as unknown } };
  return { orm: Object.create(orm, own), sql } as unknown as TransactionHandle;
}

/** Leaves alone what is no query: names and values made for one. */
function unsendable(made: unknown): unknown {
  const query = made as Partial<Query> | undefined;
  if (typeof query?.handler === "function") query.handler = (one) => one.reject(sentTooEarly());
  return made;
}

function refuse(): never {
  throw sentTooEarly();
}
