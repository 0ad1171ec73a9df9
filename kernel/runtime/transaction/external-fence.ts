import type { DriveRequest } from "../../contract/transaction/participant.ts";
import type { Database } from "../../spi/store.ts";
import { enter, entryOf, type FenceKind, keep, notBegun, read, readCommitted, type StoredEntry } from "./fence.ts";
import type { BranchId } from "./fence-many.ts";
import { inFencedTransaction, inTransaction } from "./in-transaction.ts";
import { encodeKept, type KeptBranch, keptOf } from "./kept.ts";

/**
 * After so long, in milliseconds, nothing comes any more of a call nothing is known of outside: what a provider does later than
 * that after it was taken back is noticed only by a process that still waits for its answer.
 */
const stillComesMs = 600_000;

/** How a call outside has ended. */
export interface Ended {
  readonly kind: Extract<FenceKind, "reserve" | "apply" | "rejected">;
  readonly kept: KeptBranch;
}

/** A branch that had been confirmed, one with nothing outside, or the row of what may be there. */
export type TakenBack = "confirmed" | "settled" | Pick<StoredEntry, "kept">;

/** The rows of branches that act outside of the database. An `R` row that says `intent` stands for what is not settled there. */
export interface ExternalFence {
  /** Writes that something will be done; gives the row that was there. */
  intend(request: DriveRequest): Promise<StoredEntry | undefined>;
  /** Lets nothing be done any more; gives the row that was there, which then decides. */
  bar(request: DriveRequest): Promise<StoredEntry | undefined>;
  /** Keeps how it ended where that is open, and gives nothing; else the row as somebody else has written it. */
  end(branch: BranchId, ended: Ended): Promise<StoredEntry | undefined>;
  confirm(request: DriveRequest): Promise<StoredEntry | undefined>;
  /** Decides that it is taken back; of what may be outside the row says `intent`, given `late` also where it was settled. */
  takeBack(request: DriveRequest, late?: "late"): Promise<TakenBack>;
  /** Nothing is outside any more; given `unless` that may still come, only once it cannot. Gives whether the row says so. */
  settle(branch: BranchId, unless?: "unless it may still come"): Promise<boolean>;
  begun(branch: BranchId): Promise<StoredEntry | undefined>;
  isTakenBack(branch: BranchId): Promise<boolean>;
}

const beforeTheEnd: readonly FenceKind[] = ["reserve", "apply", "intent"];
const always: readonly FenceKind[] = [...beforeTheEnd, "rejected", "tombstone"];

export function externalFence(database: Database): ExternalFence {
  const write = (request: DriveRequest, kind: "intent" | "tombstone" | "confirm", kept?: KeptBranch) =>
    inFencedTransaction(database, ({ sql }) =>
      enter(sql, entryOf(request, kind === "confirm" ? "F" : "R", kind, kept && encodeKept(kept))),
    );

  return {
    intend: (request) => write(request, "intent", keptOf(request, [])),
    bar: (request) => write(request, "tombstone"),
    confirm: (request) => write(request, "confirm"),
    begun: ({ gid, branch }) => readCommitted(database.sql, gid, branch, "R"),

    async isTakenBack({ gid, branch }) {
      return (await readCommitted(database.sql, gid, branch, "F"))?.kind === "cancel";
    },

    end: ({ gid, branch }, { kind, kept }) =>
      inTransaction(database, async ({ sql }) => {
        // Locked first: who takes it back writes its own row before it waits for this one.
        await sql`select from mortise_fence where gid = ${gid} and branch = ${branch} and slot = 'R' for update`;
        const there = (await read(sql, gid, branch, "R")) ?? notBegun();
        if (there.kind !== "intent" || there.finished) return there;
        await keep(sql, gid, branch, encodeKept(kept), kind);
        return undefined;
      }),

    takeBack: (request, late) =>
      inFencedTransaction(database, async ({ sql }) => {
        const { gid, branch } = request;
        const finished = await enter(sql, entryOf(request, "F", "cancel"));
        if (finished?.kind === "confirm") return "confirmed";
        if (!(await enter(sql, entryOf(request, "R", "tombstone")))) return "settled";
        // What was not held is from now on, and sweeps look for it among what is young.
        const [open] = await sql<Pick<StoredEntry, "kept">[]>`
          update mortise_fence set kind = 'intent',
            created_at = case when kind in ('reserve', 'intent') then created_at else now() end
          where gid = ${gid} and branch = ${branch} and slot = 'R' and kind = any(${[...(late ? always : beforeTheEnd)]})
          returning kept`;
        return open ?? "settled";
      }),

    settle: ({ gid, branch }, unless) =>
      inTransaction(database, async ({ sql }) => {
        const settled = await sql`
          update mortise_fence as begun set kind = 'tombstone'
          where gid = ${gid} and branch = ${branch} and slot = 'R' and kind = 'intent' ${
            unless
              ? sql`and exists (select from mortise_fence as finished
                  where finished.gid = begun.gid and finished.branch = begun.branch and finished.slot = 'F'
                    and finished.created_at <= clock_timestamp() - ${stillComesMs} * interval '1 millisecond')`
              : sql``
          } returning 1`;
        return settled.length > 0;
      }),
  };
}
