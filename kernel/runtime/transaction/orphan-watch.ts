import { beforeAll } from "../../spi/transaction-record.ts";
import { type BranchId, keyOf } from "./fence-many.ts";
import { type Orphan, orphansOf, type Place, stillReserved } from "./orphans.ts";
import type { Participant } from "./participant.ts";

/**
 * What a process remembers of the last listing at a participant: that it has not come through everything yet, or up to which moment it
 * has, what it found there, and when everything has its turn again.
 */
export type Watch =
  | { readonly behind: Place }
  | { readonly until: string; readonly held: readonly BranchId[]; readonly allAt: number };

export interface Watched {
  readonly found: readonly Orphan[];
  /** For the next listing; without it that begins with the oldest. */
  readonly watch: Watch | undefined;
}

/**
 * Lists like `orphansOf`, again and again: at first everything, then what is younger than that and what was found before, and
 * everything from time to time, for a row may be committed long after it was written. What was settled long ago costs nothing in between.
 */
export function orphansAgain(
  participant: Participant,
  olderThanMs: number,
  watch: Watch | undefined,
  nowMs: number,
): Promise<Watched> {
  return watch && "held" in watch && nowMs < watch.allAt
    ? younger(participant, olderThanMs, watch)
    : everything(participant, olderThanMs, watch && "behind" in watch ? watch.behind : undefined, nowMs);
}

async function everything(
  participant: Participant,
  olderThanMs: number,
  behind: Place | undefined,
  nowMs: number,
): Promise<Watched> {
  const until = await momentBefore(participant, olderThanMs + lateMs);
  const { found, next } = await orphansOf(participant, olderThanMs, behind);
  if (next) return { found, watch: { behind: next } };
  const all = !behind; // those of the listings before are not known any more
  return { found, watch: all ? { until, held: heldIn(found), allAt: nowMs + everythingEveryMs } : undefined };
}

async function younger(
  participant: Participant,
  olderThanMs: number,
  { until: since, held, allAt }: Extract<Watch, { held: unknown }>,
): Promise<Watched> {
  const until = await momentBefore(participant, olderThanMs + lateMs);
  const [known, { found: young, next }] = await Promise.all([
    stillReserved(participant, held),
    orphansOf(participant, olderThanMs, { createdAt: since, gid: beforeAll, branch: "" }),
  ]);
  const each = new Map([...known, ...young].map((orphan) => [keyOf(orphan), orphan]));
  const found = [...each.values()].toSorted((a, b) => Number(b.prepared) - Number(a.prepared));
  const few = next === undefined && found.length <= mostHeld;
  return { found, watch: few ? { until, held: heldIn(found), allAt } : undefined };
}

/** By the clock of the database, and as it writes it. */
async function momentBefore({ performer }: Participant, ms: number): Promise<string> {
  const [row] = await performer.database.sql<{ moment: string }[]>`
    select (clock_timestamp() - ${ms} * interval '1 millisecond')::text as moment`;
  return row?.moment ?? "-infinity";
}

function heldIn(found: readonly Orphan[]): readonly BranchId[] {
  return found.filter(({ prepared }) => !prepared).map(({ gid, branch }) => ({ gid, branch }));
}

/** How much later than that it is old enough a row may be committed, and is seen at once all the same, in milliseconds. */
const lateMs = 60_000;

/** When everything has its turn again, in milliseconds. */
const everythingEveryMs = 6 * 3_600_000;

/** More than so many are not remembered. */
const mostHeld = 5_000;
