import { type Database, type Log, StatusError } from "@mortise/kernel";

/** Of the tables; a greater one in the database was made by a newer Mortise, which may write what this one cannot read. */
const version = 1;

/**
 * Makes the tables if they are not there, once when several processes start at the same moment; gives what tells this
 * coordinator from all others. Everything an undecided transaction changes on its way to the decision is in no index, so
 * that its row is updated in place.
 */
export async function makeTables({ sql, name }: Database, log: Log): Promise<string> {
  const identity = await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtext('mortise_transaction'))`;
    const known = await identityIn(tx);
    await tx`create table if not exists mortise_transaction_version (version int not null)`;
    const [row] = await tx<{ version: number }[]>`select max(version) as version from mortise_transaction_version`;
    const there = row?.version ?? 0;
    if (there > version)
      throw new StatusError(
        "FAILED_PRECONDITION",
        `the tables in database "${name}" are of version ${there}, this coordinator knows ${version}: update Mortise`,
      );
    if (there === version) return known;
    await tx`
      create table mortise_transaction (
        gid uuid primary key,
        begin_id uuid,
        name text not null,
        version int not null,
        strategy text not null,
        status text not null check (status in ('active', 'committing', 'committed', 'aborting', 'aborted')),
        input bytea not null,
        branches json not null,
        outputs jsonb not null,
        abort json,
        done text[] not null default '{}',
        created_at timestamptz not null default now(),
        decided_at timestamptz,
        ended_at timestamptz,
        deadline_at timestamptz,
        next_at timestamptz not null,
        attempts int not null default 0,
        last_error text not null default '',
        stuck boolean not null default false,
        heuristic text not null default '',
        paused boolean not null default false,
        owner text not null default '',
        lease_until timestamptz not null default now(),
        trace text not null default ''
      ) with (fillfactor = 50)`;
    await tx`create index mortise_transaction_due on mortise_transaction (next_at) where ended_at is null`;
    await tx`create index mortise_transaction_created on mortise_transaction (created_at)`;
    await tx`create index mortise_transaction_ended on mortise_transaction (ended_at) where ended_at is not null`;
    await tx`
      create table mortise_transaction_audit (
        id bigint generated always as identity primary key,
        gid uuid not null,
        action text not null,
        by text not null,
        reason text not null,
        at timestamptz not null default now()
      )`;
    await tx`create index mortise_transaction_audit_gid on mortise_transaction_audit (gid)`;
    await tx`insert into mortise_transaction_version (version) values (${version})`;
    return known;
  });
  await waitForDisks({ sql, name }, log);
  return identity;
}

/** What tells this coordinator from all others: it goes where the tables go, into every standby and every copy. */
async function identityIn(sql: Pick<Database["sql"], "unsafe">): Promise<string> {
  await sql.unsafe(`
    create table if not exists mortise_transaction_identity (
      one boolean primary key default true check (one), id uuid not null default gen_random_uuid())`);
  await sql.unsafe("insert into mortise_transaction_identity default values on conflict do nothing");
  const [row] = await sql.unsafe<{ id: string }[]>("select id::text from mortise_transaction_identity");
  if (!row) throw new StatusError("INTERNAL", "the coordinator's database does not keep who it is");
  return row.id;
}

/** A decision that is answered before it is on disk may be lost with the power. */
async function waitForDisks({ sql, name }: Pick<Database, "sql" | "name">, log: Log): Promise<void> {
  const [row] = await sql<{ setting: string }[]>`select current_setting('synchronous_commit') as setting`;
  if (row?.setting !== "off") return;
  try {
    await sql.begin(async (tx) => {
      await tx`select set_config('synchronous_commit', 'on', false)`;
      await tx`do $$ begin
        execute format('alter database %I set synchronous_commit = on', current_database());
      end $$`;
    });
  } catch (error) {
    log.warn(`database "${name}" does not wait for its disk (synchronous_commit is off) and it cannot be told to`, {
      error,
    });
  }
}
