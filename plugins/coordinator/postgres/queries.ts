import type {
  AuditEntry,
  CoordinatorHealth,
  TransactionCount,
  TransactionFilter,
  TransactionRecord,
  TransactionStatus,
} from "@mortise/kernel";
import { orphan } from "@mortise/kernel/spi/transaction-record";
import { insertAborts, readStatuses } from "./decide.ts";
import { cleanText, columns, type Row, recordOf, type Sql, withHeuristic } from "./records.ts";

export async function find(sql: Sql, filter: TransactionFilter): Promise<readonly TransactionRecord[]> {
  const { name, status, strategy, stuck, olderThanMs, newerThanMs, gids, gidEnd, after, limit = 100 } = filter;
  const parts = [
    name !== undefined && sql`held.name = ${name}`,
    status !== undefined && sql`held.status = any(${status as TransactionStatus[]}::text[])`,
    strategy !== undefined && sql`held.strategy = ${strategy}`,
    stuck !== undefined && sql`held.stuck = ${stuck}`,
    olderThanMs !== undefined && sql`held.created_at <= now() - ${olderThanMs}::float8 * interval '1 millisecond'`,
    newerThanMs !== undefined && sql`held.created_at > now() - ${newerThanMs}::float8 * interval '1 millisecond'`,
    gids !== undefined && sql`held.gid = any(${[...gids]}::uuid[])`,
    gidEnd !== undefined && sql`right(held.gid::text, ${gidEnd.length}) = ${gidEnd}`,
    after !== undefined && sql`held.gid > ${after}`,
  ];
  const condition = parts.reduce((all, part) => (part === false ? all : sql`${all} and ${part}`), sql`true`);
  const rows = await sql<Row[]>`
    select ${columns(sql)} from mortise_transaction as held where ${condition}
    order by ${after === undefined ? sql`held.created_at, held.gid` : sql`held.gid`} limit ${limit}`;
  return rows.map(recordOf);
}

export async function notLongEnded(sql: Sql, gids: readonly string[], withinMs: number): Promise<readonly string[]> {
  const rows = await sql<{ gid: string }[]>`
    select gid from mortise_transaction where gid = any(${[...gids]}::uuid[])
      and (ended_at is null or ended_at > now() - ${withinMs}::float8 * interval '1 millisecond')`;
  return rows.map(({ gid }) => gid);
}

export async function counts(sql: Sql): Promise<readonly TransactionCount[]> {
  const rows = await sql<TransactionCount[]>`
    select name, strategy, status, count(*)::float8 as count, (count(*) filter (where stuck))::float8 as stuck,
      floor(extract(epoch from now() - min(created_at)) * 1000)::float8 as "oldestMs"
    from mortise_transaction where ended_at is null and name <> ''
    group by name, strategy, status`;
  return [...rows];
}

export async function inquire(sql: Sql, gid: string): Promise<TransactionStatus> {
  for (;;) {
    const [known] = await readStatuses(sql, [gid]);
    if (known) return known.status;
    const [written] = await insertAborts(sql, [{ gid, abort: orphan }]);
    if (written) return written.status;
  }
}

export async function overdue(sql: Sql, gid: string): Promise<boolean> {
  const rows = await sql`
    select 1 from mortise_transaction
    where gid = ${gid} and status = 'active' and not paused and deadline_at <= now()`;
  return rows.length > 0;
}

export async function wake(sql: Sql, gid: string): Promise<boolean> {
  const { count } = await sql`
    update mortise_transaction set next_at = now(), lease_until = now(), owner = ''
    where gid = ${gid} and ended_at is null`;
  return count > 0;
}

export async function pause(sql: Sql, gid: string, paused: boolean): Promise<boolean> {
  const { count } = await sql`
    update mortise_transaction set paused = ${paused} where gid = ${gid} and ended_at is null`;
  return count > 0;
}

export async function close(sql: Sql, gid: string, note: string, branch?: string): Promise<boolean> {
  const noted = sql`heuristic = ${withHeuristic(sql, sql`heuristic`, sql`${cleanText(note)}::text`)}`;
  const { count } =
    branch === undefined
      ? await sql`
          update mortise_transaction set
            status = case status when 'committing' then 'committed' else 'aborted' end, ended_at = now(), stuck = false,
            ${noted}
          where gid = ${gid} and status in ('committing', 'aborting')`
      : await sql`
          update mortise_transaction set done = done || ${branch}::text, ${noted}
          where gid = ${gid} and status in ('committing', 'aborting') and ${branch} <> all (done)`;
  return count > 0;
}

export async function audit(sql: Sql, { gid, action, by, reason }: Omit<AuditEntry, "at">): Promise<void> {
  await sql`
    insert into mortise_transaction_audit (gid, action, by, reason)
    values (${gid}, ${action}, ${by}, ${cleanText(reason)})`;
}

export async function audits(sql: Sql, gid: string): Promise<readonly AuditEntry[]> {
  const rows = await sql<AuditEntry[]>`
    select gid, action, by, reason, floor(extract(epoch from at) * 1000)::float8 as at
    from mortise_transaction_audit where gid = ${gid} order by id`;
  return [...rows];
}

/** Replicated: commits wait for a standby, and one is there. Who may not see standbys believes the setting. */
export async function health(sql: Sql): Promise<CoordinatorHealth> {
  const [row] = await sql<{ durable: boolean; waits: boolean; standby: boolean }[]>`
    select
      current_setting('fsync')::boolean and current_setting('synchronous_commit') <> 'off' as durable,
      current_setting('synchronous_standby_names') <> ''
        and current_setting('synchronous_commit') not in ('off', 'local') as waits,
      exists (select from pg_stat_replication where coalesce(sync_state, 'sync') in ('sync', 'quorum')) as standby`;
  return { durable: row?.durable ?? false, replicated: (row?.durable && row.waits && row.standby) ?? false };
}

/** Removes up to a batch of what has ended so many days ago; gives how many. */
export async function removeEnded(sql: Sql, days: number, batch: number): Promise<number> {
  const { count } = await sql`
    delete from mortise_transaction where gid in (
      select gid from mortise_transaction
      where ended_at < now() - ${days}::float8 * interval '1 day'
      order by ended_at limit ${batch} for update skip locked)`;
  return count;
}
