import type { FenceEntry, FenceKind } from "./fence.ts";
import { lockTimeoutMs } from "./fence.ts";

/** `sql` of postgres.js, or that of drizzle: both take values and parts of statements alike. */
export type Tag<T> = (strings: TemplateStringsArray, ...values: unknown[]) => T;

/**
 * Writes an `R` row and does the business, one statement, in one statement. It gives a row when both were done, and nothing
 * when the business changed no row: then neither was. Fails with 23505 where there is such a row, and nothing stays.
 * What waits for a lock waits as in any database transaction of a branch: a CASE is evaluated in its order, and the
 * business runs when it is first looked at.
 */
export function doAndEnter<T>(tag: Tag<T>, business: unknown, entry: FenceEntry): T {
  const { gid, branch, slot, kind, strategy, operations, kept } = entry;
  return tag`
    with business as (${business})
    insert into mortise_fence (gid, branch, slot, kind, strategy, operations, kept)
    select ${gid}, ${branch}, ${slot}, ${kind}, ${strategy}, ${operations}, ${kept ?? null}
    where case when set_config('lock_timeout', ${String(lockTimeoutMs)}, true) is not null
      then exists (select from business) end
    returning 1`;
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

/** Writes an `R` row that stands for no business. It gives a row unless there is one. */
export function enterAlone<T>(tag: Tag<T>, entry: FenceEntry): T {
  const { gid, branch, slot, kind, strategy, operations, kept } = entry;
  return tag`
    insert into mortise_fence (gid, branch, slot, kind, strategy, operations, kept)
    select ${gid}, ${branch}, ${slot}, ${kind}, ${strategy}, ${operations}, ${kept ?? null}
    where set_config('lock_timeout', ${String(lockTimeoutMs)}, true) is not null
    on conflict do nothing returning 1`;
}

/** The same with an `F` row, after an `R` row that says `reserved`; without that it gives nothing. */
export function finishAlone<T>(tag: Tag<T>, entry: FenceEntry, reserved: FenceKind): T {
  const { gid, branch, slot, kind, strategy, operations } = entry;
  return tag`
    insert into mortise_fence (gid, branch, slot, kind, strategy, operations)
    select gid, branch, ${slot}, ${kind}, ${strategy}, ${operations} from mortise_fence
    where gid = ${gid} and branch = ${branch} and slot = 'R' and kind = ${reserved}
      and set_config('lock_timeout', ${String(lockTimeoutMs)}, true) is not null
    on conflict do nothing returning 1`;
}
