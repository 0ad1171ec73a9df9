import type { AbortReason, Database, PlannedBranch, TransactionRecord, TransactionStatus } from "@mortise/kernel";

export type Sql = Database["sql"];

/** A part of a statement. */
type Part = ReturnType<typeof columns>;

/** A row as postgres.js gives it, times in milliseconds since 1970. */
export interface Row {
  readonly gid: string;
  readonly name: string;
  readonly version: number;
  readonly strategy: string;
  readonly status: TransactionStatus;
  readonly input: Uint8Array;
  readonly branches: readonly PlannedBranch[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly abort: AbortReason | null;
  readonly done: readonly string[];
  readonly created_at: number;
  readonly decided_at: number | null;
  readonly ended_at: number | null;
  readonly deadline_at: number | null;
  readonly next_at: number;
  readonly attempts: number;
  readonly last_error: string;
  readonly stuck: boolean;
  readonly heuristic: string;
  readonly paused: boolean;
  readonly owner: string;
  readonly lease_until: number;
  readonly trace: string;
}

/** What to select for a {@link Row} of the table, which is known as `held`. */
export function columns(sql: Sql) {
  return sql`
    held.gid, held.name, held.version, held.strategy, held.status, held.input, held.branches, held.outputs, held.abort,
    held.done, held.attempts, held.last_error, held.stuck, held.heuristic, held.paused, held.owner, held.trace,
    floor(extract(epoch from held.created_at) * 1000)::float8 as created_at,
    floor(extract(epoch from held.decided_at) * 1000)::float8 as decided_at,
    floor(extract(epoch from held.ended_at) * 1000)::float8 as ended_at,
    floor(extract(epoch from held.deadline_at) * 1000)::float8 as deadline_at,
    floor(extract(epoch from held.next_at) * 1000)::float8 as next_at,
    floor(extract(epoch from held.lease_until) * 1000)::float8 as lease_until`;
}

export function recordOf(row: Row): TransactionRecord {
  const { created_at, decided_at, ended_at, deadline_at, next_at, last_error, lease_until, ...same } = row;
  return {
    ...same,
    input: new Uint8Array(row.input),
    outputs: Object.fromEntries(Object.entries(row.outputs).map(([step, text]) => [step, bytesOf(text)])),
    abort: row.abort ?? undefined,
    createdAt: created_at,
    decidedAt: decided_at ?? undefined,
    endedAt: ended_at ?? undefined,
    deadlineAt: deadline_at ?? undefined,
    nextAt: next_at,
    lastError: last_error,
    leaseUntil: lease_until,
  };
}

/** Bytes as base64, which arrays of PostgreSQL carry without escapes. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}

export function outputsText(outputs: Readonly<Record<string, Uint8Array>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(outputs).map(([step, bytes]) => [step, textOf(bytes)])));
}

/** In the order of their ids: who locks rows in one order waits for others but never in a circle. */
export function byGid<T>(items: readonly T[], gidOf: (item: T) => string): readonly T[] {
  return items.toSorted((a, b) => (gidOf(a) < gidOf(b) ? -1 : 1));
}

/** PostgreSQL keeps no NUL in a text. */
export function cleanText(text: string): string {
  return text.replaceAll("\0", "\u{fffd}");
}

/** What is known of how it ended otherwise, with one more reason unless that is known, or is none. */
export function withHeuristic(sql: Sql, known: Part, more: Part) {
  return sql`
    case when coalesce(${more}, '') = '' or position('; ' || ${more} || '; ' in '; ' || ${known} || '; ') > 0 then ${known}
    else concat_ws('; ', nullif(${known}, ''), ${more}) end`;
}

/** The record of one. How many rows an array has is not known to a plan that is kept, and for an empty table that plan reads all. */
export async function readRecord(sql: Sql, gid: string): Promise<TransactionRecord | undefined> {
  const [row] = await sql<Row[]>`select ${columns(sql)} from mortise_transaction as held where held.gid = ${gid}`;
  return row && recordOf(row);
}

/** The records of these transactions, in no order. */
export async function readRecords(sql: Sql, gids: readonly string[]): Promise<readonly TransactionRecord[]> {
  const rows = await sql<Row[]>`
    select ${columns(sql)} from mortise_transaction as held where held.gid = any(${gids as string[]}::uuid[])`;
  return rows.map(recordOf);
}
