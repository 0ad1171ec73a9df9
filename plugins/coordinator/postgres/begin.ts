import type { NewTransaction, TransactionRecord } from "@mortise/kernel";
import type { Past } from "@mortise/kernel/spi/coordinator";
import { interrupted } from "@mortise/kernel/spi/transaction-record";
import { byGid, cleanText, outputsText, readRecords, type Sql, textOf } from "./records.ts";

export interface Begin {
  readonly begun: NewTransaction;
  /** Of this very begin, so that a repeated one knows its own row. */
  readonly id: string;
  readonly owner: string;
  readonly leaseMs: number;
}

/**
 * Begins what is not there; of the others gives the records. Where only an abort was written so far, the begin leaves its
 * plan there, so that whoever recovers it can tell all its branches.
 */
export async function beginAll(
  sql: Sql,
  begins: readonly Begin[],
): Promise<readonly (TransactionRecord | undefined)[]> {
  const made = new Set(
    await insertBegins(
      sql,
      byGid(begins, ({ begun }) => begun.gid),
    ),
  );
  const others = begins.flatMap(({ begun }) => (made.has(begun.gid) ? [] : [begun.gid]));
  if (others.length === 0) return begins.map(() => undefined);
  const there = await readOwned(sql, others);
  return begins.map(({ begun, id }) => {
    const found = there.get(begun.gid);
    return found && !(found.beginId === id && found.record.status === begun.status) ? found.record : undefined;
  });
}

/** Gives the ids of those that were not there. */
async function insertBegins(sql: Sql, begins: readonly Begin[]): Promise<readonly string[]> {
  const rows = await sql<{ gid: string; inserted: boolean }[]>`
    insert into mortise_transaction as held (
      gid, begin_id, name, version, strategy, status, input, branches, outputs, trace, abort, created_at, decided_at, deadline_at,
      attempts, last_error, owner, lease_until, next_at)
    select
      gid, begin_id, name, version, strategy, status, input, branches, outputs, trace, abort,
      began_at, case when status <> 'active' then began_at end, began_at + deadline_ms * interval '1 millisecond',
      attempts, last_error, owner,
      now() + lease_ms * interval '1 millisecond', now() + lease_ms * interval '1 millisecond'
    from (${begins.length === 1 ? oneBegin(sql, begins[0] as Begin) : manyBegins(sql, begins)})
      as given (
        gid, begin_id, name, version, strategy, status, input, branches, outputs, trace, abort, deadline_ms, owner, lease_ms,
        age_ms, attempts, last_error)
      cross join lateral (select now() - age_ms * interval '1 millisecond' as began_at) as began
    on conflict (gid) do update set
      name = excluded.name, version = excluded.version, strategy = excluded.strategy,
      input = excluded.input, branches = excluded.branches, outputs = excluded.outputs || held.outputs, trace = excluded.trace,
      deadline_at = excluded.deadline_at, owner = excluded.owner, lease_until = excluded.lease_until,
      next_at = excluded.next_at
    where held.name = '' and held.status = 'aborting'
    returning held.gid, held.begin_id is not null as inserted`;
  return rows.flatMap(({ gid, inserted }) => (inserted ? [gid] : []));
}

function oneBegin(sql: Sql, { begun, id, owner, leaseMs }: Begin) {
  const { gid, name, version, strategy, status, input, branches, outputs, trace, deadlineMs } = begun;
  const past = pastOf(begun);
  return sql`values (
    ${gid}::uuid, ${id}::uuid, ${name}::text, ${version}::int, ${strategy}::text, ${status}::text, ${input}::bytea,
    ${JSON.stringify(branches)}::text::json, ${outputsText(outputs)}::text::jsonb, ${trace}::text,
    ${abortText(begun)}::text::json, ${deadlineMs ?? null}::float8, ${owner}::text, ${leaseMs}::float8,
    ${past.ageMs}::float8, ${past.attempts}::int, ${cleanText(past.lastError)}::text)`;
}

function manyBegins(sql: Sql, begins: readonly Begin[]) {
  const of = <T>(get: (begin: Begin) => T) => begins.map(get);
  return sql`
    select
      gid, begin_id, name, version, strategy, status, decode(input, 'base64'), branches::json, outputs::jsonb, trace,
      abort::json, deadline_ms, owner, lease_ms, age_ms, attempts, last_error
    from unnest(
      ${of(({ begun }) => begun.gid)}::uuid[], ${of(({ id }) => id)}::uuid[],
      ${of(({ begun }) => begun.name)}::text[], ${of(({ begun }) => begun.version)}::int[],
      ${of(({ begun }) => begun.strategy)}::text[], ${of(({ begun }) => begun.status)}::text[],
      ${of(({ begun }) => textOf(begun.input))}::text[], ${of(({ begun }) => JSON.stringify(begun.branches))}::text[],
      ${of(({ begun }) => outputsText(begun.outputs))}::text[], ${of(({ begun }) => begun.trace)}::text[],
      ${of(({ begun }) => abortText(begun))}::text[], ${of(({ begun }) => begun.deadlineMs ?? null)}::float8[], ${of(({ owner }) => owner)}::text[],
      ${of(({ leaseMs }) => leaseMs)}::float8[], ${of(({ begun }) => pastOf(begun).ageMs)}::float8[],
      ${of(({ begun }) => pastOf(begun).attempts)}::int[], ${of(({ begun }) => cleanText(pastOf(begun).lastError))}::text[])
      as many (
        gid, begin_id, name, version, strategy, status, input, branches, outputs, trace, abort, deadline_ms, owner, lease_ms,
        age_ms, attempts, last_error)`;
}

const noPast: Past = { ageMs: 0, attempts: 0, lastError: "" };

function pastOf({ past = noPast }: NewTransaction): Past {
  return past;
}

function abortText({ status, abort = interrupted }: NewTransaction): string | null {
  return status === "aborting" ? JSON.stringify(abort) : null;
}

interface Owned {
  readonly record: TransactionRecord;
  readonly beginId: string | null;
}

async function readOwned(sql: Sql, gids: string[]): Promise<ReadonlyMap<string, Owned>> {
  const records = await readRecords(sql, gids);
  const ids = await sql<{ gid: string; begin_id: string | null }[]>`
    select gid, begin_id from mortise_transaction where gid = any(${gids}::uuid[])`;
  const idOf = new Map(ids.map(({ gid, begin_id }) => [gid, begin_id]));
  return new Map(records.map((record) => [record.gid, { record, beginId: idOf.get(record.gid) ?? null }]));
}
