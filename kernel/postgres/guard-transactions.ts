import type { PendingQuery, Sql, TransactionSql } from "postgres";

/** The part of postgres.js 3.4 that is not in its types and that this depends on; the tests would notice a change. */
interface Connection {
  /** One and the same function while a transaction has the connection. */
  readonly reserved: unknown;
}
interface QueryInternals {
  handler(query: { reject(error: Error): void }): void;
}
interface BeginInternals {
  onexecute?(connection: Connection): void;
}

type Work = (tx: TransactionSql) => unknown;
type Unsafe = (...given: unknown[]) => unknown;

/** The hold of one transaction on a connection. */
interface Hold {
  /** Rejects when the transaction is over because its connection is. */
  readonly lost: Promise<never>;
  alive(): boolean;
}

/**
 * Makes a client survive the loss of a connection within a transaction. By itself postgres.js then writes to a socket
 * that is gone, outside of any promise, which ends the process: with its own `rollback`, or with the next query of a
 * transaction that was waiting for something else. Here such queries reject with CONNECTION_CLOSED, as `begin` does.
 * Changes the client it is given. `reserve()` is not covered.
 */
export function guardTransactions<S extends Sql<never> | Sql>(client: S): S {
  const target = client as unknown as { begin: Unsafe; unsafe: Unsafe };
  const { begin, unsafe } = target;
  let take: ((connection: Connection) => void) | undefined;

  // `begin` calls `unsafe` on the client at once, and is told the connection when the statement is sent.
  target.unsafe = (...given) => {
    const options = given[2] as BeginInternals | undefined;
    const taken = take;
    if (!taken || !options?.onexecute) return unsafe(...given);
    const onexecute = (connection: Connection) => {
      options.onexecute?.(connection);
      taken(connection);
    };
    return unsafe(given[0], given[1], { ...options, onexecute });
  };

  target.begin = (...given) => {
    const work = given.pop() as Work;
    let connection: Connection | undefined;
    let reserved: unknown;
    take = (sent) => {
      connection = sent;
      reserved = sent.reserved;
    };
    let lose: (reason: unknown) => void = () => undefined;
    const lost = new Promise<never>((_, reject) => (lose = reject));
    lost.catch(() => undefined);
    const hold: Hold = { lost, alive: () => connection !== undefined && connection.reserved === reserved };
    try {
      const done = begin(...given, held(work, hold)) as Promise<unknown>;
      done.catch(lose);
      return done;
    } finally {
      take = undefined;
    }
  };
  return client;
}

/** Work that never ends once its connection is lost, so that nothing more is sent; `begin` has rejected by then. */
function held(work: Work, hold: Hold): (tx: TransactionSql) => Promise<unknown> {
  return async (tx) => {
    try {
      const result = work(guarded(tx, hold));
      const value = await (Array.isArray(result) ? Promise.all(result) : result);
      return hold.alive() ? value : new Promise(() => undefined);
    } catch (error) {
      if (hold.alive()) throw error;
      return new Promise(() => undefined);
    }
  };
}

function guarded(tx: TransactionSql, hold: Hold): TransactionSql {
  const call = tx as unknown as (...given: unknown[]) => unknown;
  const whileAlive =
    (method: Unsafe): Unsafe =>
    (...given) =>
      ifAlive(method(...given), hold);
  const savepoint: Unsafe = (...given) => {
    if (!hold.alive()) return Promise.reject(connectionLost());
    const work = given.pop() as Work;
    const inner = (tx.savepoint as Unsafe)(...given, held(work, hold)) as Promise<unknown>;
    return Promise.race([inner, hold.lost]);
  };
  return Object.assign((...given: unknown[]) => ifAlive(call(...given), hold), tx, {
    unsafe: whileAlive(tx.unsafe as Unsafe),
    file: whileAlive(tx.file as Unsafe),
    savepoint,
  }) as unknown as TransactionSql;
}

/** Leaves alone what is no query: names and values made for one. */
function ifAlive(made: unknown, hold: Hold): unknown {
  const query = made as (PendingQuery<never> & QueryInternals) | undefined;
  if (typeof query?.handler !== "function") return made;
  const { handler } = query;
  query.handler = (one) => {
    if (hold.alive()) handler(one);
    else one.reject(connectionLost());
  };
  return query;
}

function connectionLost(): Error {
  return Object.assign(new Error("the connection of this transaction is closed"), { code: "CONNECTION_CLOSED" });
}
