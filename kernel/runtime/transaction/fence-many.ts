import type { DriveRequest } from "../../contract/transaction/participant.ts";
import type { TransactionHandle } from "../../spi/perform.ts";
import { entryOf, type FenceKind, type FenceSlot, isInBranch, type StoredEntry } from "./fence.ts";

/** One branch of one transaction. */
export interface BranchId {
  readonly gid: string;
  readonly branch: string;
}

export interface ManyEntries {
  readonly slot: FenceSlot;
  readonly kind: FenceKind;
  /** What is asked of each branch. */
  readonly of: readonly DriveRequest[];
}

type Tx = TransactionHandle["sql"];

/** Tells branches apart. */
export function keyOf({ gid, branch }: BranchId): string {
  return `${gid}:${branch}`;
}

const columns = (of: readonly BranchId[]) => [of.map(({ gid }) => gid), of.map(({ branch }) => branch)] as const;

const hexOf = (bytes: Uint8Array = new Uint8Array()) => Buffer.from(bytes).toString("hex");

/** Writes a row for each, in one order for all, and gives the keys of those whose row was not there. */
export async function enterMany(sql: Tx, { slot, kind, of }: ManyEntries): Promise<ReadonlySet<string>> {
  const sorted = of.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)).map((request) => entryOf(request, slot, kind));
  const [gids, branches] = columns(sorted);
  const rows = await sql<BranchId[]>`
    insert into mortise_fence (gid, branch, slot, kind, strategy, operations, kept)
    select gid, branch, ${slot}, ${kind}, strategy, operations, decode(nullif(kept, ''), 'hex')
    from unnest(${gids}::uuid[], ${branches}::text[], ${sorted.map(({ strategy }) => strategy)}::text[],
      ${sorted.map(({ operations }) => operations)}::text[], ${sorted.map(({ kept }) => hexOf(kept))}::text[])
      as entry (gid, branch, strategy, operations, kept)
    where ${isInBranch(sql)}
    on conflict do nothing returning gid, branch`;
  return new Set(rows.map(keyOf));
}

/** Gives the rows that are there, by key. */
export async function readMany(
  sql: Tx,
  slot: FenceSlot,
  of: readonly BranchId[],
): Promise<ReadonlyMap<string, StoredEntry>> {
  if (of.length === 0) return new Map();
  const [gids, branches] = columns(of);
  const rows = await sql<(StoredEntry & BranchId)[]>`
    select gid, branch, kind, kept, (
      select f.kind from mortise_fence as f where f.gid = entry.gid and f.branch = entry.branch and f.slot = 'F') as finished
    from mortise_fence
    join unnest(${gids}::uuid[], ${branches}::text[]) as entry (gid, branch) using (gid, branch)
    where slot = ${slot}`;
  return new Map(rows.map((row) => [keyOf(row), row]));
}

/** Keeps with each `R` row what was asked and answered, and what that row now says. */
export async function keepMany(
  sql: Tx,
  all: readonly (BranchId & { readonly kind: FenceKind; readonly kept: Uint8Array })[],
): Promise<void> {
  const [gids, branches] = columns(all);
  await sql`
    update mortise_fence set kept = decode(entry.kept, 'hex'), kind = entry.kind
    from unnest(${gids}::uuid[], ${branches}::text[], ${all.map(({ kind }) => kind)}::text[],
      ${all.map(({ kept }) => hexOf(kept))}::text[]) as entry (gid, branch, kind, kept)
    where mortise_fence.gid = entry.gid and mortise_fence.branch = entry.branch and slot = 'R'`;
}

/** Takes back rows this database transaction wrote. */
export async function leaveMany(sql: Tx, slot: FenceSlot, of: readonly BranchId[]): Promise<void> {
  if (of.length === 0) return;
  const [gids, branches] = columns(of);
  await sql`
    delete from mortise_fence using unnest(${gids}::uuid[], ${branches}::text[]) as entry (gid, branch)
    where mortise_fence.gid = entry.gid and mortise_fence.branch = entry.branch and slot = ${slot}`;
}
