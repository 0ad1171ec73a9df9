import type { Context } from "../../call/context.ts";
import type { DriveRequest } from "../../contract/transaction/participant.ts";
import type { Log } from "../../core/plugin.ts";
import type { Coordinator } from "../../spi/coordinator.ts";
import type { BranchAction } from "../../spi/transaction.ts";
import { type Inquiring, inquire } from "./inquiry.ts";
import { decodeKept } from "./kept.ts";
import type { Participant } from "./participant.ts";
import { parsePrepared } from "./prepared.ts";
import { transactionCodes } from "./rule-codes.ts";

/** Brings branches to an end that nobody has asked about for long: their coordinator is asked, never guessed. */
export interface Sweeper extends Inquiring {
  readonly log: Log;
  readonly at: (point: string) => Promise<void> | void;
  /** Participants of which it was said that they hold what another coordinator keeps. */
  readonly told: Set<string>;
}

export interface SweepHow {
  readonly reportOnly: boolean;
  readonly olderThanMs: number;
  /** A person says that the other coordinator is gone for good: what it kept is taken back, whatever it had decided. */
  readonly foreign?: boolean | undefined;
}

interface Orphan {
  readonly gid: string;
  readonly branch: string;
  readonly prepared: boolean;
  /** As the fence wrote them; empty for a prepared branch, whose fence cannot be seen. */
  readonly operations: string;
  readonly strategy: string;
  /** Whom to ask about it, where that was said. */
  readonly coordinator: string | undefined;
}

interface Swept {
  readonly gids: readonly string[];
  readonly ended: number;
  readonly foreign: readonly string[];
}

/** Looks through the database of one participant. Rejects when the coordinator or the database does not answer. */
export async function sweep(
  participant: Participant,
  sweeper: Sweeper,
  { reportOnly, olderThanMs, foreign: abandoned = false }: SweepHow,
  context: Context,
): Promise<Swept> {
  const { coordinator, log, at } = sweeper;
  const all = await orphansOf(participant, olderThanMs);
  const known = all.filter((orphan) => !isForeign(sweeper, orphan) && !isUnrecorded(sweeper, orphan));
  const found = all.filter((orphan) => known.includes(orphan) || (abandoned && isForeign(sweeper, orphan)));
  const gids = gidsOf(known);
  const foreign = gidsOf(all.filter((orphan) => isForeign(sweeper, orphan)));
  if (foreign.length > 0) tellForeign(sweeper, participant, foreign);
  if (reportOnly) return { gids, ended: 0, foreign };
  let ended = 0;
  for (const orphan of found) {
    const { gid, branch, prepared } = orphan;
    // Asked after the first listing: who is not known now can never be decided otherwise later.
    const status = isForeign(sweeper, orphan) ? "aborting" : await inquire(sweeper, gid, context);
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
    const { strategy, coordinator: keeper } = orphan;
    const about = { gid, branch, ...(keeper !== undefined && { coordinator: keeper }) };
    const request = { ...about, action, strategy, transaction: "", steps: stepsOf(orphan) };
    const reply = await participant.drive(request, context);
    if (reply.outcome === "done") ended += 1;
    if (!isForeign(sweeper, orphan)) await forget(coordinator(), gid);
    log.warn("a branch nobody asked about was brought to its end", { gid, branch, status, outcome: reply.outcome });
  }
  return { gids, ended, foreign };
}

/** The coordinator here knows nothing of what another one keeps, and would take that for an abort. */
function isForeign({ coordinator }: Sweeper, { coordinator: keeper }: Orphan): boolean {
  return keeper !== undefined && keeper !== coordinator().identity;
}

/** Of some strategies what the first participant committed is the decision, and the coordinator hears of it afterwards. */
function isUnrecorded({ factsOf }: Sweeper, { strategy }: Orphan): boolean {
  return factsOf(strategy)?.ownFirst ?? false;
}

/** Says once what only a change of the configuration helps against. */
function tellForeign({ log, told }: Sweeper, { performer }: Participant, gids: readonly string[]): void {
  const participant = performer.operations.name;
  if (told.has(participant)) return;
  told.add(participant);
  const what = `DTX021: branches wait for another coordinator than the one that is asked here, and are left alone. ${transactionCodes.DTX021}`;
  log.error(what, { participant, count: gids.length, first: gids[0] });
}

function gidsOf(orphans: readonly Orphan[]): readonly string[] {
  return [...new Set(orphans.map(({ gid }) => gid))];
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
    sql<(Omit<Orphan, "prepared" | "coordinator"> & { kept: Uint8Array | null })[]>`
      select gid, branch, operations, strategy, kept from mortise_fence as reserved
      where slot = 'R' and kind in ('reserve', 'intent')
        and created_at <= clock_timestamp() - ${olderThanMs} * interval '1 millisecond'
        and not exists (select 1 from mortise_fence as finished
          where finished.gid = reserved.gid and finished.branch = reserved.branch and finished.slot = 'F')
      order by created_at limit 500`,
  ]);
  const prepared = waiting.flatMap((name) => {
    const parsed = parsePrepared(name);
    if (!parsed) return [];
    return [{ ...parsed, coordinator: parsed.coordinator, prepared: true, operations: "", strategy: "sweep" }];
  });
  const set = reserved.map(({ kept, ...one }) => ({
    ...one,
    prepared: false,
    coordinator: decodeKept(kept).coordinator,
  }));
  return [...prepared, ...set];
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
