import type { PendingQuery, Sql, TransactionSql } from "postgres";
import { type Executing, prepareUnnamed } from "./prepare-unnamed.ts";

/** The part of postgres.js 3.4 that is not in its types and that this depends on; the tests would notice a change. */
interface Connection extends Executing {
  /** One and the same function while a transaction has the connection; called, it lets the next query be sent. */
  readonly reserved: (() => void) | null;
}
interface QueryInternals {
  handler(query: { reject(error: Error): void }): void;
}
interface BeginInternals {
  onexecute?(connection: Connection): void;
}
interface Begin {
  execute(): Promise<unknown>;
}

/** What goes along with a `begin`. */
interface Along {
  /** Statements without results, separated by ";". */
  readonly text: string;
  /** Whether the first queries of the transaction may travel with it, too. */
  readonly ahead: boolean;
}

/** Holds what goes along with the next `begin` of a client. */
interface Next {
  along: Along | undefined;
}

/** What `unsafe` is told while a `begin` calls it. */
interface Take {
  readonly along: Along | undefined;
  sent(connection: Connection): void;
  /** Sends it. Resolves when that is done, or rejects when it cannot be. */
  ahead(begin: Begin): Promise<void>;
}

type Work = (tx: TransactionSql) => unknown;
type Unsafe = (...given: unknown[]) => unknown;

/** The hold of one transaction on a connection. */
interface Hold {
  /** Rejects when the transaction is over because its connection is. */
  readonly lost: Promise<never>;
  readonly connection: Connection | undefined;
  alive(): boolean;
}

/** Clients that are guarded, each with what goes along with its next `begin`. */
const clients = new WeakMap<object, Next>();

/**
 * Sends statements with the `begin` that `start` sends at once. Those that go `ahead` do not wait for the answer to it:
 * the first queries of the transaction travel with it. Should the begin fail, these are executed outside of a
 * transaction, so the first must do nothing unless the statements have taken effect. In a transaction of a
 * transaction, which is a savepoint, the statements come first. Throws a TypeError for a client that is not guarded.
 */
export function beginWith<T>(client: object, along: Along, start: () => T): T {
  const state = clients.get(client);
  if (!state) throw new TypeError("transactions of this client are not guarded: open the database by its store");
  state.along = along;
  try {
    return start();
  } finally {
    state.along = undefined;
  }
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
  const state: Next = { along: undefined };
  clients.set(client, state);
  let take: Take | undefined;

  // `begin` calls `unsafe` on the client at once, and is told the connection when the statement is sent.
  target.unsafe = (...given) => {
    const options = given[2] as BeginInternals | undefined;
    const taken = take;
    if (!taken || !options?.onexecute) return unsafe(...given);
    const onexecute = (connection: Connection) => {
      options.onexecute?.(connection);
      taken.sent(connection);
    };
    const how = { ...options, onexecute };
    const { along } = taken;
    const sending = unsafe(along ? `${given[0]}; ${along.text}` : given[0], given[1], how);
    return along?.ahead ? { execute: () => taken.ahead(sending as Begin) } : sending;
  };

  target.begin = (...given) => {
    const work = given.pop() as Work;
    let connection: Connection | undefined;
    let reserved: unknown;
    const alive = () => connection !== undefined && connection.reserved === reserved;
    const sent = Promise.withResolvers<void>();
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => undefined);
    const hold: Hold = {
      lost: failed.promise,
      alive,
      get connection() {
        return connection;
      },
    };
    take = {
      along: state.along,
      sent(to) {
        connection = to;
        reserved = to.reserved;
        queueMicrotask(sent.resolve); // when the pool has put the connection aside
      },
      async ahead(begin) {
        begin.execute().catch(failed.reject);
        await Promise.race([sent.promise, failed.promise]);
        if (alive()) connection?.reserved?.();
      },
    };
    try {
      const done = begin(...given, held(work, hold)) as Promise<unknown>;
      done.catch(failed.reject);
      return Promise.race([done, failed.promise]);
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
  const state: Next = { along: undefined };
  const savepoint: Unsafe = (...given) => {
    if (!hold.alive()) return Promise.reject(connectionLost());
    const { along } = state;
    const work = given.pop() as Work;
    const all: Work = along ? (within) => within.unsafe(along.text).then(() => work(within)) : work;
    const inner = (tx.savepoint as Unsafe)(...given, held(all, hold)) as Promise<unknown>;
    return Promise.race([inner, hold.lost]);
  };
  const prepare = (name: string) => {
    if (hold.connection) prepareUnnamed(hold.connection);
    return tx.prepare(name);
  };
  const client = Object.assign((...given: unknown[]) => ifAlive(call(...given), hold), tx, {
    unsafe: whileAlive(tx.unsafe as Unsafe),
    file: whileAlive(tx.file as Unsafe),
    savepoint,
    prepare,
  }) as unknown as TransactionSql;
  clients.set(client, state);
  return client;
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
