import type { CallContext, Context } from "../call/context.ts";
import { contextKey } from "../call/context.ts";
import type { Database, Orm } from "./store.ts";

/** A transaction of drizzle. */
export type Transaction = Parameters<Parameters<Orm["transaction"]>[0]>[0];

/** The transaction in which a request is handled, on one database. */
interface RequestTransaction {
  readonly database: string;
  /** Runs work in a part of the transaction that can fail by itself; one after the other. Nothing once it is over. */
  run<T>(work: (tx: Transaction) => Promise<T>): Promise<T> | undefined;
}

const slot = contextKey<RequestTransaction | undefined>("requestTransaction", undefined);

/** For filters: the context of a request whose handler is to work in `tx`, and how to say that it no longer may. */
export function withTransaction(
  context: CallContext,
  { name }: Pick<Database, "name">,
  tx: Transaction,
): { readonly context: CallContext; close(): void } {
  let open = true;
  let last: Promise<unknown> = Promise.resolve();
  const run = <T>(work: (tx: Transaction) => Promise<T>): Promise<T> | undefined => {
    if (!open) return undefined;
    const done = last.then(() => tx.transaction(work)); // savepoints of one connection lie within one another
    last = done.catch(() => undefined);
    return done;
  };
  return {
    context: context.set(slot, { database: name, run }),
    close() {
      open = false;
    },
  };
}

/**
 * Runs work in the transaction of the request that is being handled, if its policy has begun one on this database (the field
 * `idempotency.database`), so that effect and stored result are committed together; else in a transaction of its own. In either
 * case what `work` has done is undone when it throws.
 */
export function inTransaction<T>(database: Database, call: Context, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const around = call.get(slot);
  const joined = around?.database === database.name ? around.run(work) : undefined;
  return joined ?? database.orm.transaction(work);
}
