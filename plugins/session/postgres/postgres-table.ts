import type { Database } from "@mortise/kernel";
import type { SessionRow, SessionTable } from "@mortise/kernel/spi/kept-sessions";

/** Makes the table if it is not there. Times are in milliseconds since 1970, by the clocks of the processes. */
export async function makeTable({ sql }: Database): Promise<void> {
  const [there] = await sql`select to_regclass('mortise_session') as name`;
  if (there?.name != null) return; // making an index that is there would wait for all who write
  await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtext('mortise_session'))`; // two processes that make it at once
    await tx`
      create table if not exists mortise_session (
        key text primary key,
        data text not null,
        revision integer not null,
        created_at float8 not null,
        expires_at float8 not null,
        ends_at float8 not null
      )`;
    await tx`create index if not exists mortise_session_expiry on mortise_session (expires_at)`;
  });
}

/** Removes what is over. */
export async function sweep({ sql }: Database, now: number): Promise<void> {
  await sql`delete from mortise_session where expires_at < ${now}`;
}

export function postgresTable({ sql }: Database): SessionTable {
  return {
    async insert(key, row) {
      await sql`
        insert into mortise_session (key, data, revision, created_at, expires_at, ends_at)
        values (${key}, ${row.data}, ${row.revision}, ${row.createdAt}, ${row.expiresAt}, ${row.endsAt})`;
    },
    async read(key) {
      const [row] = await sql<SessionRow[]>`
        select data, revision, created_at as "createdAt", expires_at as "expiresAt", ends_at as "endsAt"
        from mortise_session where key = ${key}`;
      return row;
    },
    async touch(key, expiresAt) {
      await sql`update mortise_session set expires_at = ${expiresAt} where key = ${key} and expires_at < ${expiresAt}`;
    },
    async write(key, row, revision) {
      const { count } = await sql`
        update mortise_session set data = ${row.data}, revision = ${row.revision}, expires_at = ${row.expiresAt}
        where key = ${key} and revision = ${revision}`;
      return count === 1;
    },
    async move(key, to, row, revision) {
      const { count } = await sql`
        update mortise_session
        set key = ${to}, data = ${row.data}, revision = ${row.revision}, expires_at = ${row.expiresAt}
        where key = ${key} and revision = ${revision}`;
      return count === 1;
    },
    async remove(key) {
      await sql`delete from mortise_session where key = ${key}`;
    },
  };
}
