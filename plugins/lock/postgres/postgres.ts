import { type Database, definePlugin, lock, store } from "@mortise/kernel";
import { type LockServer, leasedLock } from "@mortise/kernel/spi/leased-lock";
import { z } from "zod";

const options = z.strictObject({
  database: z.string().min(1).default("lock").describe("The name of the database, made if it is not there"),
});

/** One row per name, which stays, so that its token only grows. All times are the database's own. */
async function lockTable({ sql }: Database): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtext('mortise_lock'))`; // two processes that create it at once
    await tx`
      create table if not exists mortise_lock (
        name text primary key,
        owner text not null,
        token bigint not null,
        ends_at timestamptz not null
      )`;
  });
}

function postgresServer({ sql }: Database): LockServer {
  return {
    async take({ name, owner, leaseMs }) {
      const [row] = await sql<{ token: bigint }[]>`
        insert into mortise_lock as held (name, owner, token, ends_at)
        values (${name}, ${owner}, 1, clock_timestamp() + ${leaseMs}::float8 * interval '1 millisecond')
        on conflict (name) do update
          set owner = excluded.owner,
              token = held.token + 1,
              ends_at = clock_timestamp() + ${leaseMs}::float8 * interval '1 millisecond'
          where held.ends_at <= clock_timestamp() or held.owner = excluded.owner
        returning token`;
      return row && BigInt(row.token);
    },
    async renew({ name, owner, leaseMs }) {
      const { count } = await sql`
        update mortise_lock set ends_at = clock_timestamp() + ${leaseMs}::float8 * interval '1 millisecond'
        where name = ${name} and owner = ${owner} and ends_at > clock_timestamp()`;
      return count > 0;
    },
    async release({ name, owner }) {
      await sql`update mortise_lock set ends_at = '-infinity' where name = ${name} and owner = ${owner}`;
    },
    close: () => undefined, // the database belongs to the store
  };
}

export const postgres = definePlugin({
  spi: lock,
  name: "postgres",
  description: "Locks in a table of the store's PostgreSQL",
  needs: { store },
  options,
  async setup({ deps, options, ports }) {
    const database = await deps.store.database(options.database);
    await lockTable(database);
    return leasedLock(postgresServer(database), ports);
  },
});
