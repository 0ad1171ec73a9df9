import {
  asStatusError,
  type Call,
  type CallContext,
  type Context,
  type Database,
  going,
  type Invoker,
  type Ports,
  type Reply,
  StatusError,
} from "@mortise/kernel";
import { loadDriver } from "@mortise/kernel/spi/load-driver";
import { withTransaction } from "@mortise/kernel/spi/request-transaction";
import { type Kept, read, write } from "./record.ts";
import { type ResultTable, resultTable } from "./result-table.ts";
import { type Room, room } from "./room.ts";

/** A database that keeps results, shared by all methods whose policy names it. */
export interface Keeping {
  readonly database: Database;
  readonly table: ResultTable;
  readonly room: Room;
  /** Keys of requests of this process that are under way: their duplicates wait here and hold no connection. */
  readonly underWay: Map<string, Promise<unknown>>;
}

/** How a request is told apart, written and read. */
export interface Requests {
  keyOf(call: Call): string;
  digestOf(call: Call): string;
  encode(response: unknown): Uint8Array;
  /** The reply, or throws the error, that was kept. Throws if it is of another request. */
  repeat(kept: Kept, digest: string): Reply;
  /** Whether an error is the answer for good. */
  isFinal(error: StatusError): boolean;
  readonly keepMs: number;
}

/** How long a duplicate waits for a request of another process that has no deadline, in milliseconds. */
const longestWaitMs = 60_000;
/** One of so many requests clears away what is over. */
const sweepEvery = 200;

export async function keepingIn(database: Database, transactions: number): Promise<Keeping> {
  const { sql } = await loadDriver("filter/idempotency", "drizzle-orm", () => import("drizzle-orm"));
  const table = await resultTable(database.orm, sql);
  return { database, table, room: room(transactions), underWay: new Map() };
}

/**
 * Handles each request once: the key, what the handler does in `inTransaction`, and the result are one transaction. So after a crash
 * at any moment either all of it is there or none.
 */
export function onceInDatabase(
  next: Invoker,
  keeping: () => Promise<Keeping>,
  requests: Requests,
  { clock, random }: Ports,
): Invoker {
  return async (call) => {
    const key = requests.keyOf(call);
    const digest = requests.digestOf(call);
    const kept = await orOver(keeping().catch(away), call.context);
    for (let other = kept.underWay.get(key); other; other = kept.underWay.get(key)) await orOver(other, call.context);
    const { promise, resolve } = Promise.withResolvers<void>();
    kept.underWay.set(key, promise);
    try {
      const leave = await kept.room.enter(call.context);
      try {
        return await handle(call, key, digest, kept);
      } finally {
        leave();
        if (random() < 1 / sweepEvery) kept.table.sweep().catch(() => undefined);
      }
    } finally {
      kept.underWay.delete(key);
      resolve();
    }
  };

  async function handle(call: Call, key: string, digest: string, { database, table }: Keeping): Promise<Reply> {
    const { context } = call;
    let failed: StatusError | undefined;
    try {
      return await database.orm.transaction(async (tx) => {
        const waitMs = Math.min(longestWaitMs, context.deadline - clock.now());
        if (!(await table.take(tx, key, requests.keepMs, waitMs))) {
          const bytes = await table.read(tx, key);
          return requests.repeat(bytes ? read(bytes) : { state: "pending", digest }, digest);
        }
        const inside = withTransaction(context as CallContext, database, tx);
        const { reply, response } = await going(next, { ...call, context: inside.context })
          .then((reply) => ({ reply, response: requests.encode(reply.response) }))
          .catch((error: unknown) => {
            failed = asStatusError(error);
            throw failed;
          })
          .finally(() => inside.close());
        await table.put(tx, key, write({ state: "done", digest, response }));
        return reply;
      });
    } catch (error) {
      if (failed) {
        const kept = write({ state: "failed", digest, error: failed });
        if (requests.isFinal(failed)) await table.add(key, kept, requests.keepMs).catch(() => undefined);
        throw failed;
      }
      if (error instanceof StatusError) throw error;
      if (isLockTimeout(error)) throw new StatusError("DEADLINE_EXCEEDED", "the same request is still under way");
      return away(error);
    }
  }
}

function away(cause: unknown): never {
  const message = "the database of idempotency keys does not answer; send the request again to hear what came of it";
  throw new StatusError("UNAVAILABLE", message, { reason: "IDEMPOTENCY_UNAVAILABLE", cause });
}

/** Waits no longer than the call lasts. */
function orOver<T>(other: Promise<T>, context: Context): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const forget = context.onCancel(reject);
  return Promise.race([other, promise]).finally(forget);
}

function isLockTimeout(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if ((at as { code?: unknown }).code === "55P03") return true;
  return false;
}
