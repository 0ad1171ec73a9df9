import type { Database } from "../../spi/store.ts";
import type { FenceKind } from "./fence.ts";
import type { BranchId } from "./fence-many.ts";
import { isHeld } from "./held.ts";
import { decodeKept } from "./kept.ts";
import type { Participant } from "./participant.ts";
import { parsePrepared } from "./prepared.ts";

/** What an `R` row says of a branch that is held. */
type HeldKind = Extract<FenceKind, "reserve" | "intent">;

/** A branch a participant holds, and nobody has asked about for long. */
export interface Orphan {
  readonly gid: string;
  readonly branch: string;
  readonly prepared: boolean;
  /** What its row says: it is set aside, or something may have been done outside. Nothing of a prepared branch. */
  readonly kind: HeldKind | undefined;
  /** As the fence wrote them; empty for a prepared branch, whose fence cannot be seen. */
  readonly operations: string;
  readonly strategy: string;
  /** Whom to ask about it, where that was said. */
  readonly coordinator: string | undefined;
  /** Whether it follows from something that is committed, and whoever does it asks nobody. */
  readonly asksNobody: boolean;
  /** Whether its row says so already: only what is outside has still to be given back. */
  readonly takenBack: boolean;
}

/** Behind which row of the fence a listing goes on. */
export interface Place {
  /** As PostgreSQL writes it, to the microsecond. */
  readonly createdAt: string;
  readonly gid: string;
  readonly branch: string;
}

export interface Orphans {
  /** Those that are prepared, then those that are set aside; the oldest first. */
  readonly found: readonly Orphan[];
  /** Behind the last one, where there may be more. */
  readonly next: Place | undefined;
}

/** Rows of one request. */
const pageSize = 500;
/** Requests of one listing. */
const pages = 10;

/**
 * What a participant holds that is so old: all that is prepared, and of what is set aside up to 5000 branches behind a
 * place, so that those that cannot be ended keep no younger one from its turn.
 */
export async function orphansOf(participant: Participant, olderThanMs: number, behind?: Place): Promise<Orphans> {
  const [prepared, reserved] = await Promise.all([
    preparedIn(participant, olderThanMs),
    reservedIn(participant, olderThanMs, behind),
  ]);
  return { found: [...prepared, ...reserved.found], next: reserved.next };
}

/** All that is prepared in the database of a participant and so old, with its name there; the oldest first. */
export async function preparedIn(
  { prepared }: Participant,
  olderThanMs: number,
): Promise<readonly (Orphan & { readonly name: string })[]> {
  const names = await prepared.waiting(olderThanMs);
  return names.flatMap((name) => {
    const parsed = parsePrepared(name);
    if (!parsed) return [];
    const unseen = { kind: undefined, operations: "", strategy: "sweep", asksNobody: false, takenBack: false };
    return [{ ...parsed, ...unseen, coordinator: parsed.coordinator, prepared: true, name }];
  });
}

/** What is still set aside of these branches, the oldest first. */
export async function stillReserved(
  { performer }: Participant,
  branches: readonly BranchId[],
): Promise<readonly Orphan[]> {
  if (branches.length === 0) return [];
  const { sql } = performer.database;
  const rows = await sql<Row[]>`
    select gid, branch, kind, operations, strategy, kept, ${isTakenBack(sql)} from mortise_fence as reserved
    join unnest(${branches.map(({ gid }) => gid)}::uuid[], ${branches.map(({ branch }) => branch)}::text[])
      as known (gid, branch) using (gid, branch)
    where slot = 'R' and ${isHeld(sql, "reserved")}
    order by created_at, gid, branch`;
  return rows.map(orphanOf);
}

async function reservedIn(participant: Participant, olderThanMs: number, behind: Place | undefined): Promise<Orphans> {
  const found: Orphan[] = [];
  let place = behind;
  for (let page = 0; page < pages; page++) {
    const rows = await pageOf(participant, olderThanMs, place);
    found.push(...rows.map(orphanOf));
    place = rows.at(-1);
    if (rows.length < pageSize) return { found, next: undefined };
  }
  return { found, next: place };
}

interface Row extends Place {
  readonly kind: HeldKind;
  readonly operations: string;
  readonly strategy: string;
  readonly kept: Uint8Array | null;
  readonly takenBack: boolean;
}

function orphanOf({ gid, branch, kind, operations, strategy, kept, takenBack }: Row): Orphan {
  const { coordinator, asksNobody = false } = decodeKept(kept);
  return { gid, branch, kind, operations, strategy, prepared: false, coordinator, asksNobody, takenBack };
}

function isTakenBack(sql: Database["sql"]) {
  return sql`
    exists (select from mortise_fence as finished
      where finished.gid = reserved.gid and finished.branch = reserved.branch and finished.slot = 'F'
        and finished.kind = 'cancel') as "takenBack"`;
}

function pageOf({ performer }: Participant, olderThanMs: number, place: Place | undefined): Promise<readonly Row[]> {
  const { sql } = performer.database;
  const behind = place
    ? sql`and (created_at, gid, branch) > (${place.createdAt}::text::timestamptz, ${place.gid}::uuid, ${place.branch})`
    : sql``;
  return sql<Row[]>`
    select gid, branch, kind, operations, strategy, kept, ${isTakenBack(sql)}, created_at::text as "createdAt" from mortise_fence as reserved
    where slot = 'R' and ${isHeld(sql, "reserved")}
      and created_at <= clock_timestamp() - ${olderThanMs} * interval '1 millisecond' ${behind}
    order by created_at, gid, branch limit ${pageSize}`;
}
