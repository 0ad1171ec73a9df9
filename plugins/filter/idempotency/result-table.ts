import type { Orm } from "@mortise/kernel";
import type { Transaction } from "@mortise/kernel/spi/request-transaction";
import type { SQL, sql as Sql } from "drizzle-orm";

/** Results in a table of the service's own database, beside what they are the results of. */
export interface ResultTable {
  /**
   * Takes a key, for good with the transaction; true for one alone of all who want it. Waits for whoever has taken it and is not
   * done, at most for `waitMs`; then PostgreSQL says 55P03.
   */
  take(tx: Transaction, key: string, keepMs: number, waitMs: number): Promise<boolean>;
  put(tx: Transaction, key: string, kept: Uint8Array): Promise<void>;
  read(tx: Transaction, key: string): Promise<Uint8Array | undefined>;
  /** Keeps what is no effect, where nothing is kept. */
  add(key: string, kept: Uint8Array, keepMs: number): Promise<void>;
  sweep(): Promise<void>;
}

/** Makes the table if it is not there. */
export async function resultTable(orm: Orm, sql: typeof Sql): Promise<ResultTable> {
  const rowsOf = async <R>(on: Pick<Orm, "execute">, query: SQL) =>
    (await on.execute(query)) as unknown as readonly R[];
  const until = (ms: number) => sql`now() + ${ms}::float8 * interval '1 millisecond'`;

  /** Looked for first: making an index that is there waits for all who write, and lets all others wait. */
  const isThere = async (on: Pick<Orm, "execute">) => {
    const [row] = await rowsOf<{ name: string | null }>(
      on,
      sql`select to_regclass('mortise_idempotency')::text as name`,
    );
    return row?.name != null;
  };

  async function make(tx: Transaction): Promise<void> {
    await tx.execute(sql`select pg_advisory_xact_lock(hashtext('mortise_idempotency'))`); // two that make it at once
    if (await isThere(tx)) return;
    await tx.execute(sql`
      create table mortise_idempotency (
        key text primary key,
        kept bytea,
        ends_at timestamptz not null
      )`);
    await tx.execute(sql`create index mortise_idempotency_end on mortise_idempotency (ends_at)`);
  }

  if (!(await isThere(orm))) await orm.transaction(make);

  return {
    async take(tx, key, keepMs, waitMs) {
      await tx.execute(sql`select set_config('lock_timeout', ${`${Math.max(1, Math.ceil(waitMs))}`}, true)`);
      const rows = await rowsOf(
        tx,
        sql`
          insert into mortise_idempotency as found (key, ends_at) values (${key}, ${until(keepMs)})
          on conflict (key) do update set kept = null, ends_at = excluded.ends_at where found.ends_at <= now()
          returning key`,
      );
      await tx.execute(sql`select set_config('lock_timeout', '0', true)`);
      return rows.length > 0;
    },
    async put(tx, key, kept) {
      await tx.execute(sql`update mortise_idempotency set kept = ${Buffer.from(kept)} where key = ${key}`);
    },
    async read(tx, key) {
      const [row] = await rowsOf<{ kept: Uint8Array | null }>(
        tx,
        sql`select kept from mortise_idempotency where key = ${key}`,
      );
      return row?.kept ?? undefined;
    },
    async add(key, kept, keepMs) {
      await orm.execute(sql`
        insert into mortise_idempotency (key, kept, ends_at) values (${key}, ${Buffer.from(kept)}, ${until(keepMs)})
        on conflict (key) do nothing`);
    },
    async sweep() {
      await orm.execute(sql`delete from mortise_idempotency where ends_at < now()`);
    },
  };
}
