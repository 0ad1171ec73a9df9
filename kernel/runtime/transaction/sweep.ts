import type { Context } from "../../call/context.ts";
import type { DriveRequest } from "../../contract/transaction/participant.ts";
import type { Log } from "../../core/plugin.ts";
import type { Coordinator } from "../../spi/coordinator.ts";
import type { BranchAction } from "../../spi/transaction.ts";
import type { Participant } from "./participant.ts";
import { parsePrepared } from "./prepared.ts";

/** Brings branches to an end that nobody has asked about for long: their coordinator is asked, never guessed. */
export interface Sweeper {
  readonly coordinator: () => Coordinator;
  readonly log: Log;
  readonly at: (point: string) => Promise<void> | void;
}

export interface SweepHow {
  readonly reportOnly: boolean;
  readonly olderThanMs: number;
}

interface Orphan {
  readonly gid: string;
  readonly branch: string;
  readonly prepared: boolean;
  /** As the fence wrote them; empty for a prepared branch, whose fence cannot be seen. */
  readonly operations: string;
  readonly strategy: string;
}

/** Looks through the database of one participant. Rejects when the coordinator or the database does not answer. */
export async function sweep(
  participant: Participant,
  { coordinator, log, at }: Sweeper,
  { reportOnly, olderThanMs }: SweepHow,
  context: Context,
): Promise<{ readonly gids: readonly string[]; readonly ended: number }> {
  const found = await orphansOf(participant, olderThanMs);
  const gids = [...new Set(found.map(({ gid }) => gid))];
  if (reportOnly) return { gids, ended: 0 };
  let ended = 0;
  for (const orphan of found) {
    const { gid, branch, prepared } = orphan;
    // Asked after the first listing: who is not known now can never be decided otherwise later.
    const status = await coordinator().inquire(gid);
    if (status === "active") continue;
    await at("X9");
    if (prepared && !(await participant.prepared.waiting()).some((name) => parsePrepared(name)?.gid === gid)) continue;
    const commit = status === "committing" || status === "committed";
    const action: BranchAction = prepared
      ? commit
        ? "commitPrepared"
        : "rollbackPrepared"
      : commit
        ? "confirm"
        : "cancel";
    const request = { gid, branch, action, strategy: orphan.strategy, transaction: "", steps: stepsOf(orphan) };
    const reply = await participant.drive(request, context);
    if (reply.outcome === "done") ended += 1;
    await forget(coordinator(), gid);
    log.warn("a branch nobody asked about was brought to its end", { gid, branch, status, outcome: reply.outcome });
  }
  return { gids, ended };
}

/** Ends what was never begun: only its abort was written, so that a late begin loses. */
async function forget(coordinator: Coordinator, gid: string): Promise<void> {
  const record = await coordinator.get(gid);
  if (record?.name === "" && record.status === "aborting") await coordinator.finish(gid);
}

async function orphansOf(participant: Participant, olderThanMs: number): Promise<Orphan[]> {
  const { sql } = participant.performer.database;
  const [waiting, reserved] = await Promise.all([
    participant.prepared.waiting(olderThanMs),
    sql<Omit<Orphan, "prepared">[]>`
      select gid, branch, operations, strategy from mortise_fence as reserved
      where slot = 'R' and kind in ('reserve', 'intent')
        and created_at <= clock_timestamp() - ${olderThanMs} * interval '1 millisecond'
        and not exists (select 1 from mortise_fence as finished
          where finished.gid = reserved.gid and finished.branch = reserved.branch and finished.slot = 'F')
      order by created_at limit 500`,
  ]);
  const prepared = waiting.flatMap((name) => {
    const parsed = parsePrepared(name);
    return parsed ? [{ ...parsed, prepared: true, operations: "", strategy: "sweep" }] : [];
  });
  return [...prepared, ...reserved.map((one) => ({ ...one, prepared: false }))];
}

function stepsOf({ operations }: Orphan): DriveRequest["steps"] {
  return operations
    .split(" ")
    .filter(Boolean)
    .map((text) => {
      const [operation = "", version = ""] = text.split("@");
      return { step: operation, operation, version: Number(version), input: new Uint8Array() };
    });
}
