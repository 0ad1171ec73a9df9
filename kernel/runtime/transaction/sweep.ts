import type { Context } from "../../call/context.ts";
import { asStatusError } from "../../call/outcome.ts";
import { StatusError } from "../../call/status.ts";
import type { TraceContext } from "../../call/trace.ts";
import type { DriveRequest, SweepFailure } from "../../contract/transaction/participant.ts";
import type { Infer } from "../../contract/types.ts";
import type { Log } from "../../core/plugin.ts";
import type { Clock } from "../../core/ports.ts";
import type { Coordinator, TransactionStatus } from "../../spi/coordinator.ts";
import type { Database } from "../../spi/store.ts";
import type { Tracer } from "../../spi/tracer.ts";
import type { BranchAction } from "../../spi/transaction.ts";
import { inBranchSpan, keptTrace } from "./branch-span.ts";
import { type Inquiring, inquire } from "./inquiry.ts";
import { closedAmong, isClosed, leftAlone, tellClosed } from "./left-alone.ts";
import { orphansAgain, type Watch } from "./orphan-watch.ts";
import { type Orphan, orphansOf } from "./orphans.ts";
import type { Participant } from "./participant.ts";
import { parsePrepared } from "./prepared.ts";
import { transactionCodes } from "./rule-codes.ts";

/** Brings branches to an end that nobody has asked about for long: their coordinator is asked, never guessed. */
export interface Sweeper extends Inquiring {
  readonly log: Log;
  readonly at: (point: string) => Promise<void> | void;
  /** Participants of which it was said that they hold what another coordinator keeps, and transactions they leave alone. */
  readonly told: Set<string>;
  /** What the next sweep needs to know of the last one: of a database, for a participant may get another. */
  readonly watched: WeakMap<Database, Watch>;
  readonly clock: Pick<Clock, "now">;
  readonly tracer?: () => Tracer | undefined;
  /** How long one branch may take, in milliseconds: the others have their turn whatever becomes of it. */
  readonly driveTimeoutMs: number;
}

export interface SweepHow {
  readonly reportOnly: boolean;
  readonly olderThanMs: number;
  /** A person says that the other coordinator is gone for good: what it kept is taken back, whatever it had decided. */
  readonly foreign?: boolean | undefined;
  /** A person wants the decided end also for what a person has closed. */
  readonly closed?: boolean | undefined;
}

type FailedBranch = Infer<typeof SweepFailure>;

interface Swept {
  readonly gids: readonly string[];
  readonly ended: number;
  readonly foreign: readonly string[];
  /** What could not be brought to its end; it is found again. */
  readonly failed: readonly FailedBranch[];
  /** Closed by hand: left alone. */
  readonly closed: readonly string[];
  /** There is more than one sweep goes through. */
  readonly more: boolean;
}

/**
 * Looks through the database of one participant, the oldest first. Rejects when the coordinator or the database does not answer.
 */
export async function sweep(
  participant: Participant,
  sweeper: Sweeper,
  how: SweepHow,
  context: Context,
): Promise<Swept> {
  const { found, next } = await orphansOf(participant, how.olderThanMs);
  return { ...(await sweepThrough(found, participant, sweeper, how, context)), more: next !== undefined };
}

/** Brings what was found at a participant to its end. Rejects when the coordinator or the database does not answer. */
export async function sweepThrough(
  all: readonly Orphan[],
  participant: Participant,
  sweeper: Sweeper,
  { reportOnly, foreign: abandoned = false, closed: reopened = false }: SweepHow,
  context: Context,
): Promise<Omit<Swept, "more">> {
  const asking = all.filter((orphan) => !isDriven(sweeper, orphan));
  const known = asking.filter((orphan) => !isForeign(sweeper, orphan));
  const foreign = gidsOf(asking.filter((orphan) => isForeign(sweeper, orphan)));
  if (foreign.length > 0) tellForeign(sweeper, participant, foreign);
  const { ended, failed, closed } = reportOnly
    ? { ...nothing, closed: reopened ? new Set<Orphan>() : await closedAmong(sweeper.coordinator(), known) }
    : await endAll(participant, sweeper, abandoned ? asking : known, reopened, context);
  const gids = gidsOf(known.filter((orphan) => !closed.has(orphan)));
  return { gids, foreign, closed: gidsOf([...closed]), ended, failed };
}

/**
 * Looks through the databases of several participants side by side, at each from where the sweep before has stopped, and
 * for what has come or is held since; one that fails keeps no other from it. Never rejects.
 */
export async function sweepEach(
  participants: readonly Participant[],
  sweeper: Sweeper,
  how: SweepHow,
  context: Context,
): Promise<void> {
  const each = participants.map(async (one) => {
    const participant = one.performer.operations.name;
    try {
      const { watched, clock } = sweeper;
      const { database } = one.performer;
      const { found, watch } = await orphansAgain(one, how.olderThanMs, watched.get(database), clock.now());
      watched.delete(database);
      if (watch) watched.set(database, watch);
      await sweepThrough(found, one, sweeper, how, context);
    } catch (error) {
      if (context.cancelled) return;
      sweeper.log.warn("the sweep of a participant failed and will be tried again", { participant, error });
    }
  });
  await Promise.all(each);
}

const nothing = { ended: 0, failed: [] as readonly FailedBranch[] };

/** Brings one after the other to its end; one that fails keeps no other from it. */
async function endAll(
  participant: Participant,
  sweeper: Sweeper,
  found: readonly Orphan[],
  reopened: boolean,
  context: Context,
): Promise<Pick<Swept, "ended" | "failed"> & { readonly closed: ReadonlySet<Orphan> }> {
  let ended = 0;
  const failed: FailedBranch[] = [];
  const closed = new Set<Orphan>();
  for (const orphan of found) {
    goOnWhile(context);
    const wasClosed = !isForeign(sweeper, orphan) && (await isClosed(sweeper.coordinator(), orphan));
    const status = wasClosed && !reopened ? "closed" : await statusOf(sweeper, orphan, wasClosed, context);
    try {
      const outcome = await end(participant, sweeper, orphan, { status, reopened }, context);
      if (outcome === "done") ended += 1;
      if (outcome !== "closed") continue;
      closed.add(orphan);
      tellClosed(sweeper, participant, orphan);
    } catch (error) {
      goOnWhile(context);
      const { gid, branch, operations } = orphan;
      const facts = { gid, branch, participant: participant.performer.operations.name, operations, error };
      sweeper.log.error("a branch could not be brought to its end", facts);
      failed.push({ gid, branch, why: asStatusError(error).message });
    }
  }
  return { ended, failed, closed };
}

function goOnWhile({ cancelled }: Context): void {
  if (cancelled) throw cancelled;
}

/** Asked after the listing: who is not known now can never be decided otherwise later. Nothing where nobody knows any more. */
async function statusOf(
  sweeper: Sweeper,
  orphan: Orphan,
  closed: boolean,
  context: Context,
): Promise<TransactionStatus | undefined> {
  if (orphan.takenBack || isForeign(sweeper, orphan)) return "aborting";
  if (!closed) return inquire(sweeper, orphan.gid, context.with({ timeoutMs: sweeper.driveTimeoutMs }));
  const record = await sweeper.coordinator().get(orphan.gid);
  return record?.name ? record.status : undefined;
}

/** Does what is decided to one branch, and gives how that ended. Rejects with why it did not. */
async function end(
  participant: Participant,
  sweeper: Sweeper,
  orphan: Orphan,
  { status, reopened }: { readonly status: TransactionStatus | "closed" | undefined; readonly reopened: boolean },
  context: Context,
): Promise<string> {
  const { coordinator, log, at, driveTimeoutMs } = sweeper;
  const { gid, branch, prepared } = orphan;
  if (status === undefined) throw forgotten();
  if (status === "closed") return status;
  if (status === "active") return "waiting";
  await at("X9");
  if (prepared && !(await participant.prepared.waiting()).some((name) => parsePrepared(name)?.gid === gid))
    return "gone";
  const commit = status === "committing" || status === "committed";
  const action: BranchAction = prepared
    ? commit
      ? "commitPrepared"
      : "rollbackPrepared"
    : commit
      ? "confirm"
      : "cancel";
  if (commit && orphan.kind === "intent") return "waiting"; // whoever does it asks the other side how it ended
  const left = isForeign(sweeper, orphan) ? undefined : await leftAlone(coordinator(), orphan, reopened);
  if (left) return left;
  const { strategy, coordinator: keeper = coordinator().identity } = orphan;
  const about = { gid, branch, ...(keeper !== "" && { coordinator: keeper }) };
  const request = { ...about, action, strategy, transaction: "", steps: stepsOf(orphan) };
  const { outcome, note } = await inSpan(participant, sweeper, request, (trace) =>
    participant.drive(request, context.with({ timeoutMs: driveTimeoutMs, ...(trace && { trace }) })),
  );
  if (outcome === "ongoing") return outcome;
  if (outcome !== "done") throw new StatusError("FAILED_PRECONDITION", `${outcome}: ${note}`);
  if (!isForeign(sweeper, orphan)) await forget(coordinator(), gid);
  if (note !== "") return "waiting"; // nothing is known of it outside yet, and it is asked about again
  log.warn("a branch nobody asked about was brought to its end", { gid, branch, status, outcome });
  return outcome;
}

/** In the trace that is kept with the record, and by the names it has; without one, in a trace of its own. */
async function inSpan<T>(
  participant: Participant,
  { tracer, coordinator }: Sweeper,
  { gid, branch, action, strategy, steps }: DriveRequest,
  work: (trace?: TraceContext) => Promise<T>,
): Promise<T> {
  const spans = tracer?.();
  if (!spans) return work();
  const record = await coordinator()
    .get(gid)
    .catch(() => undefined); // it is ended all the same
  const { name } = participant.performer.operations;
  const transaction = record?.name || name;
  const planned = record?.branches.find(({ id }) => id === branch);
  const about = { phase: action, gid, branch, participant: name, transaction };
  const known = { strategy: record?.strategy || strategy, steps: planned?.steps ?? steps };
  return inBranchSpan(spans, { ...about, ...known }, keptTrace(record?.trace ?? "", transaction), work);
}

function forgotten(): StatusError {
  const why = "it was closed by hand, and its record is gone: nobody knows any more how it was decided";
  return new StatusError("FAILED_PRECONDITION", why);
}

/** The coordinator here knows nothing of what another one keeps, and would take that for an abort. */
function isForeign({ coordinator }: Sweeper, { coordinator: keeper, takenBack }: Orphan): boolean {
  return keeper !== undefined && keeper !== coordinator().identity && !takenBack;
}

/** It follows from something committed, and waits to be asked again. What an older version wrote says so only by its strategy. */
function isDriven({ factsOf }: Sweeper, { asksNobody, takenBack, coordinator: keeper, strategy }: Orphan): boolean {
  if (takenBack) return false;
  return asksNobody || (keeper === undefined && (factsOf(strategy)?.ownFirst ?? false));
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

function stepsOf({ operations }: Orphan): DriveRequest["steps"] {
  return operations
    .split(" ")
    .filter(Boolean)
    .map((text) => {
      const [operation = "", version = ""] = text.split("@");
      return { step: operation, operation, version: Number(version), input: new Uint8Array() };
    });
}
