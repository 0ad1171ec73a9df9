import type { Sql } from "postgres";
import type { Clock, Timers } from "../core/ports.ts";

/**
 * Ends a pool after all that was asked of it, at most `withinMs` later. By itself postgres.js does not wait for queries
 * that still wait for a connection, so first one more waits in the same queue: behind a query, for where no connection is open
 * postgres.js 3.4 never gives one to who only reserves it.
 */
export async function endPool(sql: Sql<never> | Sql, withinMs: number, clock: Clock, timers: Timers): Promise<void> {
  const until = clock.now() + withinMs;
  const queued = async () => {
    await sql.unsafe("select 1");
    return sql.reserve();
  };
  const last = queued().catch(() => undefined); // the server is away, for all that waits too
  const reserved = await Promise.race([last, timers.sleep(withinMs)]);
  reserved?.release();
  await sql.end({ timeout: Math.max(0, until - clock.now()) / 1000 });
}
