import { type FenceEntry, type FenceKind, isInBranch, lockTimeoutMs } from "./fence.ts";
import { insertOutbox, type OutboxRows, type Tag } from "./outbox.ts";

/** What goes with an `R` row into one statement. */
export interface Together {
  /** A statement of one's own; without it the row stands for nothing. */
  readonly business: unknown;
  readonly outbox: OutboxRows | undefined;
}

/**
 * Writes an `R` row, and with it all or nothing: what it stands for, and what follows from that. It gives a row when that was
 * done, and none when the business changed no row: then nothing was. Fails with 23505 where there is such a row.
 * What waits for a lock waits as in any database transaction of a branch: a CASE is evaluated in its order, and the
 * business runs when it is first looked at.
 */
export function doAndEnter<T>(tag: Tag<T>, { business, outbox }: Together, entry: FenceEntry): T {
  const { gid, branch, slot, kind, strategy, operations, kept } = entry;
  const entering = tag`
    insert into mortise_fence (gid, branch, slot, kind, strategy, operations, kept)
    select ${gid}, ${branch}, ${slot}, ${kind}, ${strategy}, ${operations}, ${kept ?? null}
    where case when set_config('lock_timeout', ${String(lockTimeoutMs)}, true) is not null
      then ${business ? tag`exists (select from business)` : tag`true`} end
    returning 1`;
  const doing = business ? tag`business as (${business})` : undefined;
  if (!outbox) return doing ? tag`with ${doing} ${entering}` : entering;
  const following = insertOutbox(tag, outbox, tag`, fence`);
  return doing
    ? tag`with ${doing}, fence as (${entering}) ${following}`
    : tag`with fence as (${entering}) ${following}`;
}

/**
 * The same with an `F` row, after an `R` row that says `reserved`. Where that is not there it fails with 23502, for a row of
 * nobody cannot be written.
 */
export function finishAndEnter<T>(tag: Tag<T>, business: unknown, entry: FenceEntry, reserved: FenceKind): T {
  const { gid, branch, slot, kind, strategy, operations } = entry;
  return tag`
    with business as (${business})
    insert into mortise_fence (gid, branch, slot, kind, strategy, operations)
    select (select gid from mortise_fence where gid = ${gid} and branch = ${branch} and slot = 'R' and kind = ${reserved}),
      ${branch}, ${slot}, ${kind}, ${strategy}, ${operations}
    where case when set_config('lock_timeout', ${String(lockTimeoutMs)}, true) is not null
      then exists (select from business) end
    returning 1`;
}

/** Writes an `F` row that stands for nothing; it gives a row unless there is one, or no `R` row that says `reserved`. */
export function finishAlone<T>(tag: Tag<T>, entry: FenceEntry, reserved: FenceKind): T {
  const { gid, branch, slot, kind, strategy, operations } = entry;
  return tag`
    insert into mortise_fence (gid, branch, slot, kind, strategy, operations)
    select gid, branch, ${slot}, ${kind}, ${strategy}, ${operations} from mortise_fence
    where gid = ${gid} and branch = ${branch} and slot = 'R' and kind = ${reserved}
      and set_config('lock_timeout', ${String(lockTimeoutMs)}, true) is not null
    on conflict do nothing returning 1`;
}

/**
 * Writes both rows of a branch that is about to be prepared, and with them what they stand for; it gives none when the
 * business changed no row: then nothing was written. In a database transaction that did not begin with
 * `branchSettings` it fails with 23502, for a row of nobody cannot be written. The `F` row comes first, as where it is taken back.
 */
export function doAndEnterBoth<T>(tag: Tag<T>, business: unknown, done: FenceEntry, finished: FenceKind): T {
  const { gid, branch, kind, strategy, operations, kept } = done;
  const entering = tag`
    insert into mortise_fence (gid, branch, slot, kind, strategy, operations, kept)
    select case when ${isInBranch(tag)} then ${gid}::uuid end, ${branch}, slot, kind, ${strategy}, ${operations}, kept
    from (values ('F'::"char", ${finished}::text, null), ('R', ${kind}, ${kept ?? null}::bytea)) as one (slot, kind, kept)
    where ${business ? tag`exists (select from business)` : tag`true`}
    returning 1`;
  return business ? tag`with business as (${business}) ${entering}` : entering;
}

/** Does it and gives a row, or none when it changed none. Fails with 22012 in a transaction that did not begin as above. */
export function onlyDo<T>(tag: Tag<T>, business: unknown): T {
  return tag`with business as (${business}) select 1 / coalesce(${isInBranch(tag)}, false)::int from business`;
}
