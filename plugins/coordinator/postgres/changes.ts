import type { ClaimRequest, LastNote, TransactionNote, TransactionRecord } from "@mortise/kernel";
import { byGid, cleanText, columns, outputsText, type Row, recordOf, type Sql, withHeuristic } from "./records.ts";

export interface Note {
  readonly gid: string;
  readonly note: TransactionNote;
}

/** Changes what the notes mention, of transactions that have not ended. Done branches are only ever added. */
export async function noteAll(sql: Sql, given: readonly Note[]): Promise<readonly undefined[]> {
  const notes = byGid(given, ({ gid }) => gid);
  const of = <T>(get: (note: TransactionNote) => T | undefined) => notes.map(({ note }) => get(note) ?? null);
  const text = (given: string | undefined) => (given === undefined ? undefined : cleanText(given));
  await sql`
    update mortise_transaction as held set
      ${withDone(sql)}, ${withOutputs(sql)},
      attempts = coalesce(given.attempts, held.attempts),
      last_error = coalesce(given.last_error, held.last_error),
      stuck = coalesce(given.stuck::boolean, held.stuck),
      heuristic = ${withHeuristic(sql, sql`held.heuristic`, sql`given.heuristic`)},
      next_at = coalesce(now() + given.next_ms * interval '1 millisecond', held.next_at),
      lease_until = case when given.next_ms is null then held.lease_until else now() end,
      owner = case when given.next_ms is null then held.owner else '' end
    from unnest(
      ${notes.map(({ gid }) => gid)}::uuid[],
      ${of(({ done }) => done && JSON.stringify([...new Set(done)]))}::text[],
      ${of(({ outputs }) => outputs && outputsText(outputs))}::text[],
      ${of(({ attempts }) => attempts)}::int[], ${of(({ lastError }) => text(lastError))}::text[],
      ${of(({ stuck }) => stuck?.toString())}::text[], ${of(({ heuristic }) => text(heuristic))}::text[],
      ${of(({ nextInMs }) => nextInMs)}::float8[])
      as given (gid, done, outputs, attempts, last_error, stuck, heuristic, next_ms)
    where held.gid = given.gid and held.ended_at is null`;
  return notes.map(() => undefined);
}

export interface Finish {
  readonly gid: string;
  readonly last: LastNote | undefined;
}

/** Ends what is decided; tells of each whether this did. In one statement, for those that had ended by another would not be told so when both are repeated. */
export async function finishAll(sql: Sql, all: readonly Finish[]): Promise<readonly boolean[]> {
  const isPlain = all.every(({ last }) => last === undefined);
  const gids = all.map(({ gid }) => gid);
  const rows = await (isPlain
    ? endPlain(sql, gids)
    : endNoting(
        sql,
        byGid(all, ({ gid }) => gid),
      ));
  const ended = new Set(rows.map(({ gid }) => gid));
  return all.map(({ gid }) => ended.delete(gid));
}

function endPlain(sql: Sql, gids: readonly string[]): PromiseLike<readonly { readonly gid: string }[]> {
  return sql<{ gid: string }[]>`
    update mortise_transaction as held set ${end(sql)}
    where ${gids.length === 1 ? sql`gid = ${gids[0] as string}` : sql`gid = any(${gids as string[]}::uuid[])`} and ${isDecided(sql)}
    returning gid`;
}

function endNoting(sql: Sql, all: readonly Finish[]): PromiseLike<readonly { readonly gid: string }[]> {
  return sql<{ gid: string }[]>`
    update mortise_transaction as held set ${end(sql)}, ${withDone(sql)}, ${withOutputs(sql)}
    from unnest(
      ${all.map(({ gid }) => gid)}::uuid[],
      ${all.map(({ last }) => (last?.done ? JSON.stringify([...new Set(last.done)]) : null))}::text[],
      ${all.map(({ last }) => (last?.outputs ? outputsText(last.outputs) : null))}::text[]) as given (gid, done, outputs)
    where held.gid = given.gid and ${isDecided(sql)}
    returning held.gid`;
}

function end(sql: Sql) {
  return sql`status = case status when 'committing' then 'committed' else 'aborted' end, ended_at = now(), stuck = false`;
}

function isDecided(sql: Sql) {
  return sql`status in ('committing', 'aborting')`;
}

/** Adds the branches that are `given` to those that are done. */
function withDone(sql: Sql) {
  return sql`done = case when given.done is null then held.done else held.done || array(
    select id from json_array_elements_text(given.done::json) with ordinality as added (id, n)
    where id <> all (held.done) order by n) end`;
}

/** Adds the outputs that are `given` to those that are known. */
function withOutputs(sql: Sql) {
  return sql`outputs = case when given.outputs is null then held.outputs else held.outputs || given.outputs::jsonb end`;
}

export async function renew(sql: Sql, gids: readonly string[], owner: string, leaseMs: number): Promise<void> {
  await sql`
    update mortise_transaction set
      lease_until = now() + ${leaseMs}::float8 * interval '1 millisecond',
      next_at = now() + ${leaseMs}::float8 * interval '1 millisecond'
    where gid = any(${gids as string[]}::uuid[]) and owner = ${owner} and ended_at is null`;
}

/** Leases what is due, and ends aborts that waited long enough for a begin. */
export async function claim(
  sql: Sql,
  { owner, names, limit, leaseMs }: ClaimRequest,
): Promise<readonly TransactionRecord[]> {
  const rows = await sql<Row[]>`
    with unbegun as (
      update mortise_transaction set status = 'aborted', ended_at = now(), stuck = false
      where gid in (
        select gid from mortise_transaction
        where ended_at is null and name = '' and next_at <= now() for update skip locked)
    ), due as materialized (
      select gid from mortise_transaction
      where ended_at is null and not paused and next_at <= now() and lease_until <= now()
        and name = any(${names as string[]}::text[])
      order by next_at limit ${limit} for update skip locked
    )
    update mortise_transaction as held set
      owner = ${owner},
      lease_until = now() + ${leaseMs}::float8 * interval '1 millisecond',
      next_at = now() + ${leaseMs}::float8 * interval '1 millisecond'
    from due where held.gid = due.gid
    returning ${columns(sql)}`;
  return rows.map(recordOf);
}
