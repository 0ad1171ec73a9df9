import type { AbortReason, Decision, DecisionDetails, TransactionStatus } from "@mortise/kernel";
import { interrupted, unbegunMs } from "@mortise/kernel/spi/transaction-record";
import { byGid, outputsText, type Sql } from "./records.ts";

export interface Decide {
  readonly gid: string;
  readonly decision: Decision;
  readonly outputs: Readonly<Record<string, Uint8Array>>;
  readonly abort: AbortReason | undefined;
  readonly next: DecisionDetails["next"];
}

interface Known {
  readonly gid: string;
  readonly status: TransactionStatus;
}

/**
 * Takes what is `active` out of it, and gives the status of each as it is then. Where nothing is there an abort is written,
 * unless a begin comes first: then that is decided.
 */
export async function decideAll(sql: Sql, all: readonly Decide[]): Promise<readonly (TransactionStatus | undefined)[]> {
  const decided = new Map<string, TransactionStatus>();
  let left = byGid(all, ({ gid }) => gid);
  const learn = (rows: readonly Known[]) => {
    for (const { gid, status } of rows) if (status !== "active") decided.set(gid, status);
    left = left.filter(({ gid }) => !decided.has(gid));
  };
  while (left.length > 0) {
    learn(await compareAndSet(sql, left));
    if (left.length === 0) break;
    const there = await readStatuses(
      sql,
      left.map(({ gid }) => gid),
    );
    learn(there); // what is active came after the attempt: it is tried again
    const begun = new Set(there.map(({ gid }) => gid));
    left = left.filter(({ gid, decision }) => begun.has(gid) || decision === "aborting");
    const aborts = left.flatMap(({ gid, abort }) => (begun.has(gid) ? [] : [{ gid, abort: abort ?? interrupted }]));
    if (aborts.length > 0) learn(await insertAborts(sql, aborts));
  }
  return all.map(({ gid }) => decided.get(gid));
}

async function compareAndSet(sql: Sql, all: readonly Decide[]): Promise<readonly Known[]> {
  const putOff = sql`,
    attempts = coalesce(given.attempts, held.attempts),
    next_at = coalesce(now() + given.next_ms * interval '1 millisecond', held.next_at),
    lease_until = case when given.next_ms is null then held.lease_until else now() end,
    owner = case when given.next_ms is null then held.owner else '' end`;
  return sql<Known[]>`
    update mortise_transaction as held set
      status = given.decision, decided_at = now(), outputs = held.outputs || given.outputs, abort = given.abort
      ${all.some(({ next }) => next) ? putOff : sql``}
    from (${all.length === 1 ? oneDecision(sql, all[0] as Decide) : manyDecisions(sql, all)})
      as given (gid, decision, outputs, abort, attempts, next_ms)
    where held.gid = given.gid and held.status = 'active'
    returning held.gid, held.status`;
}

/** As values it is planned once; how many rows an array has is asked, and planned for, every time. */
function oneDecision(sql: Sql, one: Decide) {
  return sql`values (
    ${one.gid}::uuid, ${one.decision}::text, ${outputsText(one.outputs)}::text::jsonb, ${reasonText(one)}::text::json,
    ${one.next?.attempts ?? null}::int, ${one.next?.nextInMs ?? null}::float8)`;
}

function manyDecisions(sql: Sql, all: readonly Decide[]) {
  return sql`
    select gid, decision, outputs::jsonb, abort::json, attempts, next_ms
    from unnest(
      ${all.map(({ gid }) => gid)}::uuid[], ${all.map(({ decision }) => decision)}::text[],
      ${all.map(({ outputs }) => outputsText(outputs))}::text[], ${all.map(reasonText)}::text[],
      ${all.map(({ next }) => next?.attempts ?? null)}::int[], ${all.map(({ next }) => next?.nextInMs ?? null)}::float8[])
      as many (gid, decision, outputs, abort, attempts, next_ms)`;
}

function reasonText({ decision, abort }: Decide): string | null {
  return decision === "aborting" ? JSON.stringify(abort ?? interrupted) : null;
}

export async function readStatuses(sql: Sql, gids: string[]): Promise<readonly Known[]> {
  return sql<Known[]>`select gid, status from mortise_transaction where gid = any(${gids}::uuid[])`;
}

/** Writes aborts where nothing is there; gives those it has written. */
export async function insertAborts(
  sql: Sql,
  all: readonly { readonly gid: string; readonly abort: AbortReason }[],
): Promise<readonly Known[]> {
  return sql<Known[]>`
    insert into mortise_transaction (
      gid, name, version, strategy, status, input, branches, outputs, abort, decided_at, next_at)
    select gid, '', 0, '', 'aborting', '', '[]', '{}', abort::json, now(), now() + ${unbegunMs}::float8 * interval '1 millisecond'
    from unnest(${all.map(({ gid }) => gid)}::uuid[], ${all.map(({ abort }) => JSON.stringify(abort))}::text[])
      as given (gid, abort)
    on conflict (gid) do nothing
    returning gid, status`;
}
