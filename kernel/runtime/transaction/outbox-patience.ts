import type { Database } from "../../spi/store.ts";
import type { OutboxState } from "../../spi/transaction.ts";

/** When what was handed on and never acknowledged is a person's affair. */
export interface Patience {
  readonly stuckAfterRounds: number;
  readonly stuckAfterMs: number;
}

/** How long and how often one transaction was handed on out of an outbox. */
export interface Handed {
  /** A branch was handed on as often as it may be. */
  readonly givenUp: boolean;
  /** It is handed on by a schedule, which may be long: it calls for a person when that is over, and not before. */
  readonly scheduled: boolean;
  /** Nothing of it is handed on until a person resumes it. */
  readonly paused?: boolean | undefined;
  /** Of the branch that was handed on most often. */
  readonly attempts: number;
  /** Since its first branch was done, in milliseconds by the clock of the database, so that no clock of a process counts. */
  readonly ageMs: bigint;
}

/** Whether what waits in an outbox calls for a person. */
export function needsPerson(
  { givenUp, scheduled, paused = false, attempts, ageMs }: Handed,
  { stuckAfterRounds, stuckAfterMs }: Patience,
): boolean {
  if (paused) return false;
  return givenUp || (!scheduled && (attempts >= stuckAfterRounds || ageMs > stuckAfterMs));
}

/** The columns of {@link Handed}, over rows of the outbox that are of one transaction. */
export function handedColumns(sql: Database["sql"]) {
  return sql`
    coalesce(bool_or(state = 'exhausted'), false) as "givenUp", coalesce(bool_and(kind = 'notice'), false) as scheduled,
    coalesce(bool_or(state = 'paused'), false) as paused,
    coalesce(max(attempts), 0) as attempts,
    greatest(0, coalesce(extract(epoch from clock_timestamp() - min(created_at)) * 1000, 0))::bigint as "ageMs"`;
}

/** What is still there of a transaction. */
export async function stateOf(sql: Database["sql"], gid: string, patience: Patience): Promise<OutboxState> {
  const [row] = await sql<(Handed & { left: number; lastError: string | null })[]>`
    select count(*)::int as left, max(last_error) as "lastError", ${handedColumns(sql)}
    from mortise_outbox where gid = ${gid}`;
  if (!row || row.left === 0) return { holds: "nothing", lastError: "" };
  return { holds: needsPerson(row, patience) ? "failing" : "waiting", lastError: row.lastError ?? "" };
}
