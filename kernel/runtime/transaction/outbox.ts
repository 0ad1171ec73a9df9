import type { AnyTransaction } from "../../contract/transaction/transaction.ts";
import type { PlannedBranch } from "../../spi/coordinator.ts";
import type { TransactionHandle } from "../../spi/perform.ts";
import type { Database } from "../../spi/store.ts";
import type { OutboxKind } from "../../spi/transaction.ts";

/** What a local transaction leaves behind for others to do. */
export interface OutboxRows {
  readonly gid: string;
  readonly transaction: AnyTransaction;
  readonly strategy: string;
  readonly input: Uint8Array;
  /** The branch whose fence row holds the outputs that inputs are made of. */
  readonly first: string;
  readonly branches: readonly PlannedBranch[];
  readonly kind: OutboxKind;
  readonly trace: string;
}

/** One branch that waits to be handed on. */
export interface OutboxEntry {
  readonly gid: string;
  readonly branch: string;
  readonly kind: OutboxKind;
  readonly transaction: string;
  readonly strategy: string;
  readonly firstBranch: string;
  readonly plan: PlannedBranch;
  readonly input: Uint8Array;
  readonly trace: string;
  /** Attempts made, this one included. */
  readonly attempts: number;
  /** Why the one before failed; empty where none did. */
  readonly lastError: string;
  /** Since its first branch was done, in milliseconds by the clock of the database. */
  readonly ageMs: number;
}

type Sql = TransactionHandle["sql"];

/** `sql` of postgres.js, or that of drizzle: both take values and parts of statements alike, but for arrays. */
export type Tag<T> = (strings: TemplateStringsArray, ...values: unknown[]) => T;

/** Writes the rows in the database transaction of what they follow from: all of them become visible, or none. */
export async function writeOutbox(sql: Sql, rows: OutboxRows): Promise<void> {
  if (rows.branches.length > 0) await insertOutbox(sql as unknown as Tag<PromiseLike<unknown>>, rows, sql``);
}

/** The statement that writes them; it may go `along` with another, where it is written only if that gave a row. */
export function insertOutbox<T>(tag: Tag<T>, rows: OutboxRows, along: unknown): T {
  const { gid, transaction, strategy, input, first, branches, kind, trace } = rows;
  const { name, version } = transaction;
  const layers = layersOf(branches);
  const all = branches.map((plan, n) => ({ branch: plan.id, layer: layers[n], plan }));
  return tag`
    insert into mortise_outbox (gid, branch, layer, kind, transaction, version, strategy, first_branch, plan, input, trace)
    select ${gid}, one.branch, one.layer, ${kind}, ${name}, ${version}, ${strategy}, ${first}, one.plan, ${input}, ${trace}
    from json_to_recordset(${JSON.stringify(all)}::text::json) as one (branch text, layer int, plan jsonb)${along}
    returning 1`;
}

/** How many others each branch has to wait for one after the other. */
function layersOf(branches: readonly PlannedBranch[]): number[] {
  const layers = new Map<string, number>();
  return branches.map(({ id, after }) => {
    const layer = 1 + Math.max(-1, ...after.map((other) => layers.get(other) ?? -1));
    layers.set(id, layer);
    return layer;
  });
}

export interface TakeOptions {
  readonly names: readonly string[];
  readonly limit: number;
  /** The least wait until it is handed on again if nobody acknowledges it, in milliseconds; doubles up to the maximum, with jitter. */
  readonly againMs: number;
  readonly maxAgainMs: number;
}

/** Takes what is due, each by one process; none before those it waits for are done. Whoever commits late is not passed over. */
export async function takeDue(
  sql: Database["sql"],
  { names, limit, againMs, maxAgainMs }: TakeOptions,
): Promise<OutboxEntry[]> {
  const rows = await sql<OutboxEntry[]>`
    update mortise_outbox set state = 'sent', attempts = attempts + 1,
      next_at = clock_timestamp() + least(${againMs} * power(2, least(attempts, 20)), ${maxAgainMs}) * (1 + random() / 2) * interval '1 millisecond'
    where (gid, branch) in (
      select gid, branch from mortise_outbox as due
      where state in ('ready', 'sent') and next_at <= clock_timestamp() and transaction = any(${[...names]})
        and not exists (select 1 from mortise_outbox as earlier where earlier.gid = due.gid and earlier.layer < due.layer)
      order by next_at limit ${limit} for update skip locked)
    returning gid, branch, kind, first_branch as "firstBranch", plan, ${originColumns(sql)}`;
  return [...rows];
}

/** What the first branches of these transactions kept, by gid. */
export async function firstKept(
  sql: Database["sql"],
  entries: readonly OutboxEntry[],
): Promise<ReadonlyMap<string, Uint8Array | null>> {
  const rows = await sql<{ gid: string; kept: Uint8Array | null }[]>`
    select gid, kept from mortise_fence join unnest(
      ${entries.map(({ gid }) => gid)}::uuid[], ${entries.map(({ firstBranch }) => firstBranch)}::text[])
      as given (gid, branch) using (gid, branch)
    where slot = 'R'`;
  return new Map(rows.map(({ gid, kept }) => [gid, kept]));
}

/** What a row of the outbox tells about its transaction. */
export type OutboxOrigin = Pick<
  OutboxEntry,
  "transaction" | "strategy" | "input" | "trace" | "attempts" | "lastError" | "ageMs"
>;

function originColumns(sql: Database["sql"]) {
  return sql`
    transaction, strategy, input, trace, attempts, last_error as "lastError",
    greatest(0, extract(epoch from clock_timestamp() - created_at) * 1000)::float8 as "ageMs"`;
}

/** What the rows of a transaction tell about it; nothing where there are none. */
export async function originOf(sql: Database["sql"], gid: string): Promise<OutboxOrigin | undefined> {
  const [row] = await sql<OutboxOrigin[]>`
    select ${originColumns(sql)} from mortise_outbox where gid = ${gid} order by attempts desc limit 1`;
  return row;
}

/** What was removed, and who had done it. */
export type Removed = OutboxOrigin & { readonly participant: string };

/** Removes a branch that was done, and lets those that waited for it go on. Tells how many of the transaction are left, if it was there. */
export async function removeDone(
  sql: Database["sql"],
  gid: string,
  branch: string,
): Promise<{ readonly removed: Removed | undefined; readonly left: number }> {
  const [removed] = await sql<Removed[]>`
    delete from mortise_outbox where gid = ${gid} and branch = ${branch}
    returning ${originColumns(sql)}, plan->>'participant' as participant`;
  return { removed, left: removed ? await countLeft(sql, gid) : 0 };
}

/** How many branches of a transaction are still to be handed on. */
export async function countLeft(sql: Database["sql"], gid: string): Promise<number> {
  const [row] = await sql<{ left: number }[]>`select count(*)::int as left from mortise_outbox where gid = ${gid}`;
  return row?.left ?? 0;
}

/** Puts the next attempt off, or gives the branch up; what is paused meanwhile stays so. Tells whether it is given up now. */
export async function putOff(
  sql: Database["sql"],
  { gid, branch }: Pick<OutboxEntry, "gid" | "branch">,
  next: { readonly inMs: number | "never"; readonly error: string },
): Promise<boolean> {
  const never = next.inMs === "never";
  const [row] = await sql<{ state: string }[]>`
    update mortise_outbox set last_error = ${next.error},
      state = case state when 'paused' then state else ${never ? "exhausted" : "ready"} end,
      next_at = clock_timestamp() + ${never ? 0 : next.inMs} * interval '1 millisecond'
    where gid = ${gid} and branch = ${branch} returning state`;
  return row?.state === "exhausted";
}

/** Notes why a branch could not be done where it was sent to; it stays due when it was. False: it is not here. */
export async function noteFailure(
  sql: Database["sql"],
  { gid, branch, error }: Pick<OutboxEntry, "gid" | "branch"> & { readonly error: string },
): Promise<boolean> {
  const rows = await sql`
    update mortise_outbox set last_error = ${error} where gid = ${gid} and branch = ${branch} returning 1`;
  return rows.length > 0;
}

/** What is taken up again in so many milliseconds, as if it had not been taken up now. */
export interface PutBack extends Pick<OutboxEntry, "gid" | "branch"> {
  readonly inMs: number;
  readonly error: string;
}

/** Puts off what could not be handed on, or taken away when it was done. */
export async function putOffUnsent(sql: Database["sql"], entries: readonly PutBack[]): Promise<void> {
  const of = <T>(get: (entry: PutBack) => T) => entries.map(get);
  await sql`
    update mortise_outbox as held set last_error = given.error, attempts = greatest(held.attempts - 1, 0),
      next_at = clock_timestamp() + given.in_ms * interval '1 millisecond'
    from unnest(
      ${of(({ gid }) => gid)}::uuid[], ${of(({ branch }) => branch)}::text[],
      ${of(({ inMs }) => inMs)}::float8[], ${of(({ error }) => error)}::text[]) as given (gid, branch, in_ms, error)
    where held.gid = given.gid and held.branch = given.branch`;
}

/** Makes everything of a transaction due at once, also what was given up, and nothing that is paused. Tells how many rows that are. */
export async function wakeOutbox(sql: Database["sql"], gid: string): Promise<number> {
  const rows = await sql`
    update mortise_outbox set state = 'ready', attempts = case kind when 'notice' then 0 else attempts end,
      next_at = clock_timestamp()
    where gid = ${gid} and state <> 'paused' returning 1`;
  return rows.length;
}

/**
 * Has nothing of a transaction handed on any more, or all that is paused of it due at once: what had been given up once more.
 * Tells how many rows that are.
 */
export async function pauseOutbox(sql: Database["sql"], gid: string, paused: boolean): Promise<number> {
  const rows = paused
    ? await sql`update mortise_outbox set state = 'paused' where gid = ${gid} and state <> 'paused' returning 1`
    : await sql`
        update mortise_outbox set state = 'ready', next_at = clock_timestamp()
        where gid = ${gid} and state = 'paused' returning 1`;
  return rows.length;
}
