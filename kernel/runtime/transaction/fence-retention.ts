import type { Database } from "../../spi/store.ts";
import type { BranchId } from "./fence-many.ts";
import { isHeld } from "./held.ts";
import { decodeKept } from "./kept.ts";

type Sql = Database["sql"];

/** How long rows are kept, in milliseconds; undefined: for ever, or as long as nobody says. */
export function retentionMsOf({
  fenceRetentionDays: days,
}: {
  readonly fenceRetentionDays?: number;
}): number | undefined {
  return days ? days * 86_400_000 : undefined;
}

/** Pages of the table of the fence on disk: from one up to another, which is not among them. */
export interface Pages {
  readonly from: number;
  readonly to: number;
}

/** A branch of which its own database has no more to say. */
export interface OldBranch extends BranchId {
  /** Whom to ask about it, where that was said. */
  readonly coordinator: string | undefined;
}

/** How many pages the table has. */
export async function pageCount(sql: Sql): Promise<number> {
  const [row] = await sql<{ pages: number }[]>`
    select ceil(pg_relation_size('mortise_fence') / current_setting('block_size')::float8) as pages`;
  return row?.pages ?? 0;
}

export interface OldBranches {
  readonly branches: readonly OldBranch[];
  /** Those of which nobody can read whom to ask. */
  readonly unreadable: readonly BranchId[];
}

/** Those whose row is in these pages; rows are read as they lie on the disk, so that no index has to know their age. */
export async function oldBranches(sql: Sql, { from, to }: Pages, olderThanMs: number): Promise<OldBranches> {
  const rows = await sql<(BranchId & { kept: Uint8Array | null })[]>`
    select gid, branch, kept from mortise_fence as done
    where ctid >= ${`(${from},0)`}::tid and ctid < ${`(${to},0)`}::tid and ${isOld(sql, olderThanMs)}`;
  const branches: OldBranch[] = [];
  const unreadable: BranchId[] = [];
  for (const { gid, branch, kept } of rows) {
    try {
      branches.push({ gid, branch, coordinator: decodeKept(kept).coordinator });
    } catch {
      unreadable.push({ gid, branch });
    }
  }
  return { branches, unreadable };
}

/**
 * Removes the rows of each of these branches, unless something has come about it meanwhile, or somebody else is removing it.
 * Gives how many branches that were.
 */
export async function removeOld(sql: Sql, branches: readonly BranchId[], olderThanMs: number): Promise<number> {
  if (branches.length === 0) return 0;
  const [row] = await sql<{ removed: number }[]>`
    with mine as (
      select gid, branch from mortise_fence as done
      join unnest(${branches.map(({ gid }) => gid)}::uuid[], ${branches.map(({ branch }) => branch)}::text[])
        as given (gid, branch) using (gid, branch)
      where ${isOld(sql, olderThanMs)}
      for update of done skip locked),
    removed as (
      delete from mortise_fence using mine
      where mortise_fence.gid = mine.gid and mortise_fence.branch = mine.branch returning mine.gid, mine.branch)
    select count(distinct (gid, branch))::int as removed from removed`;
  return row?.removed ?? 0;
}

/**
 * Holds for an `R` row named `done`, or an `F` row that was left alone, whose branch has no row younger than that, holds nothing, and has
 * nothing of its transaction in the outbox. One row is looked up at a time, for these are few of many.
 */
function isOld(sql: Sql, olderThanMs: number) {
  const before = sql`now() - ${olderThanMs}::float8 * interval '1 millisecond'`;
  const ofBranch = sql`from mortise_fence as one where one.gid = done.gid and one.branch = done.branch`;
  return sql`
    (done.slot = 'R' or (select one.slot ${ofBranch} and one.slot = 'R') is null) and done.created_at < ${before}
    and (select max(one.created_at) ${ofBranch}) < ${before}
    and not (${isHeld(sql, "done")})
    and not exists (select from mortise_outbox as waiting where waiting.gid = done.gid)`;
}
