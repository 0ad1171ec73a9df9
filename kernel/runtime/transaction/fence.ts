import type { PendingQuery, Row, Sql } from "postgres";
import type { DriveRequest } from "../../contract/transaction/participant.ts";
import type { TransactionHandle } from "../../spi/perform.ts";
import { keptOfNone } from "./kept.ts";
import type { Tag } from "./outbox.ts";

/**
 * What keeps the effects of a branch to exactly one, in the database where they are. One row per branch and side, written in
 * the same database transaction as the business: `R` is the side that does (reserve, apply), `F` the side that finishes
 * (confirm, cancel). Both finishes share one row, so the key itself forbids doing both. An insert of a key waits for
 * whoever is writing the same key, also in a prepared transaction, and then tells who was first.
 */
export type FenceSlot = "R" | "F";

/**
 * What a row says was done. A tombstone is written by who takes back what has not come yet, or what is settled outside;
 * until then an intent says that something may be there, whatever its `F` row says.
 */
export type FenceKind = "reserve" | "apply" | "rejected" | "intent" | "tombstone" | "confirm" | "cancel";

export interface FenceEntry {
  readonly gid: string;
  readonly branch: string;
  readonly slot: FenceSlot;
  readonly kind: FenceKind;
  readonly strategy: string;
  /** The operations of the branch with their versions, for people. */
  readonly operations: string;
  /** What is known to be kept before anything is done; else {@link keep} follows. */
  readonly kept?: Uint8Array | undefined;
}

export function entryOf(request: DriveRequest, slot: FenceSlot, kind: FenceKind, kept?: Uint8Array): FenceEntry {
  const { gid, branch, strategy, steps } = request;
  const operations = steps.map(({ operation, version }) => `${operation}@${version}`).join(" ");
  const known = kind === "tombstone" ? keptOfNone(request) : kept;
  return { gid, branch, slot, kind, strategy, operations, kept: known };
}

export interface StoredEntry {
  readonly kind: FenceKind;
  /** What was asked and answered, so that a repetition gets the same answer; bytes of `Kept`. */
  readonly kept: Uint8Array | null;
  /** What its `F` row says; nothing where there is none. */
  readonly finished?: FenceKind | null;
}

/** Counts up with every change of the tables. */
export const fenceVersion = 1;

type Tx = TransactionHandle["sql"];

/** Any number nobody else uses for an advisory lock. */
const lock = 0x66656e6365;

/** Makes the tables of a participant's database unless they are there; safe from many processes at once. */
export async function createFence(sql: Sql<{ bigint: bigint }>): Promise<void> {
  const [there] = await sql<{ there: boolean }[]>`select to_regclass('mortise_outbox') is not null as there`;
  if (there?.there) return;
  await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(${lock})`;
    await tx`
      create table if not exists mortise_fence (
        gid uuid not null,
        branch text not null,
        slot "char" not null,
        kind text not null,
        strategy text not null,
        operations text not null,
        kept bytea,
        created_at timestamptz not null default clock_timestamp(),
        primary key (gid, branch, slot)
      ) with (fillfactor = 80)`;
    await tx`
      create index if not exists mortise_fence_open on mortise_fence (created_at)
      where slot = 'R' and kind in ('reserve', 'intent')`;
    await tx`
      create table if not exists mortise_outbox (
        gid uuid not null,
        branch text not null,
        layer int not null,
        kind text not null,
        transaction text not null,
        version int not null,
        strategy text not null,
        first_branch text not null,
        plan jsonb not null,
        input bytea not null,
        trace text not null,
        state text not null default 'ready',
        attempts int not null default 0,
        next_at timestamptz not null default clock_timestamp(),
        last_error text not null default '',
        created_at timestamptz not null default clock_timestamp(),
        primary key (gid, branch)
      ) with (fillfactor = 60)`;
    await tx`
      create index if not exists mortise_outbox_due on mortise_outbox (next_at)
      where state in ('ready', 'sent')`;
    await tx.unsafe(`comment on table mortise_fence is 'mortise fence ${fenceVersion}'`);
  });
}

/**
 * Writes a row. Gives nothing, or the row that was there: whoever wrote it was first. Outside of a database transaction
 * that began with `branchSettings` it writes nothing, and rejects with 25P01.
 */
export async function enter(sql: Tx, entry: FenceEntry): Promise<StoredEntry | undefined> {
  const { gid, branch, slot } = entry;
  const inserted = await insert(sql, entry);
  return inserted.length > 0 ? undefined : ((await read(sql, gid, branch, slot)) ?? notBegun());
}

/** Writes the `F` row of a branch like {@link enter}, and gives its `R` row, which was committed before. */
export async function enterAndRead(
  sql: Tx,
  entry: FenceEntry,
): Promise<{ readonly there?: StoredEntry | undefined; readonly reserved?: StoredEntry | undefined }> {
  const { gid, branch } = entry;
  const [row] = await sql<{ entered: boolean; kind: FenceKind | null; kept: Uint8Array | null }[]>`
    with entered as (${insert(sql, entry)})
    select exists (select from entered) as entered, kind, kept
    from (values (1)) as one left join mortise_fence on gid = ${gid} and branch = ${branch} and slot = 'R'`;
  const there = row?.entered ? undefined : ((await read(sql, gid, branch, "F")) ?? notBegun());
  return { there, reserved: row?.kind ? { kind: row.kind, kept: row.kept } : undefined };
}

function insert(sql: Tx, { gid, branch, slot, kind, strategy, operations, kept }: FenceEntry) {
  return sql`
    insert into mortise_fence (gid, branch, slot, kind, strategy, operations, kept)
    select ${gid}, ${branch}, ${slot}, ${kind}, ${strategy}, ${operations}, ${kept ?? null} where ${isInBranch(sql)}
    on conflict do nothing returning 1`;
}

/** Gives the row as it is committed, or as this database transaction wrote it. */
export async function read(sql: Tx, gid: string, branch: string, slot: FenceSlot): Promise<StoredEntry | undefined> {
  const [row] = await sql<StoredEntry[]>`
    select kind, kept, (
      select kind from mortise_fence where gid = ${gid} and branch = ${branch} and slot = 'F') as finished
    from mortise_fence where gid = ${gid} and branch = ${branch} and slot = ${slot}`;
  return row;
}

/** Gives the row as it is committed, in one trip. */
export function readCommitted(
  sql: Sql<{ bigint: bigint }>,
  gid: string,
  branch: string,
  slot: FenceSlot,
): Promise<StoredEntry | undefined> {
  return read(sql as unknown as Tx, gid, branch, slot); // what is asked alone is a transaction of its own
}

/** Keeps what was asked and answered with the `R` row of a branch. */
export async function keep(sql: Tx, gid: string, branch: string, kept: Uint8Array, kind?: FenceKind): Promise<void> {
  await sql`
    update mortise_fence set kept = ${kept}, kind = coalesce(${kind ?? null}, kind)
    where gid = ${gid} and branch = ${branch} and slot = 'R'`;
}

/** Waiting for a lock longer fails with 55P03, in milliseconds: the other side is still at it. */
export const lockTimeoutMs = 1_500;

/** What a database transaction begins with that writes rows of the fence: its waits are bounded, and it knows itself. */
export const branchSettings = `set local lock_timeout = ${lockTimeoutMs}; set local mortise.branch = 'on'`;

/**
 * Holds within such a database transaction only. The first row of the fence travels together with the begin; should that
 * have failed, the row must not be written, for it would stay without what it stands for.
 */
export function isInBranch(sql: Tx): PendingQuery<Row[]>;
export function isInBranch<T>(tag: Tag<T>): T;
export function isInBranch<T>(tag: Tag<T>): T {
  return tag`current_setting('mortise.branch', true) = 'on'`;
}

/** For whoever finds neither a row written nor a row there. */
export function notBegun(): never {
  throw Object.assign(new Error("the database transaction did not begin"), { code: "25P01" });
}

/** SQLSTATEs after which nothing was changed, and the same may be tried again. */
const ongoing = new Set(["55P03", "40001", "40P01", "25P01", "25P03", "57014"]);

/** The same, where the server has no room for more just now: 53200 for what waits prepared (15 to 18), and for locks. */
const full = new Set(["53200", "53400"]);

export function isOngoing(error: unknown): boolean {
  return ongoing.has(sqlState(error)) || full.has(sqlState(error));
}

/** Said where somebody else holds what is needed, a lock or the row of the fence. */
export const heldByOthers = "somebody else is at it";

/** Why the same is to be tried again, for people: of a server that is full what it says is to be raised. */
export function whyOngoing(error: unknown): string {
  const { code, message, hint } = saidBy(error) ?? {};
  if (!full.has(code ?? "")) return heldByOthers;
  return `the database server is full: ${message}${hint ? `. ${hint}` : ""}`;
}

/** The SQLSTATE of what PostgreSQL said, also through drizzle's wrapping; empty for another error. */
export function sqlState(error: unknown): string {
  return saidBy(error)?.code ?? "";
}

/** What PostgreSQL said, by postgres.js 3.4. */
interface Said {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  /** The statement it said it to. */
  readonly query?: string;
}

/** What PostgreSQL said, also through drizzle's wrapping; nothing for another error. */
export function saidBy(error: unknown): Said | undefined {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  if (typeof code === "string" && /^[0-9A-Z]{5}$/.test(code)) return error as Said;
  return cause === undefined || cause === null ? undefined : saidBy(cause);
}

const lost = /^(08|57P|53300|CONNECTION_|CONNECT_TIMEOUT|ECONN|ENOENT|EPIPE)/;

/** Whether the database did not answer: then nobody knows whether it was done. */
export function isLost(error: unknown): boolean {
  return lost.test(codeIn(error));
}

/** The code of an error, or of its cause. */
function codeIn(error: unknown): string {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  if (typeof code === "string") return code;
  return cause === undefined || cause === null ? "" : codeIn(cause);
}
