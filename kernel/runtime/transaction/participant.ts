import type { Context } from "../../call/context.ts";
import { StatusError } from "../../call/status.ts";
import type {
  DriveReply,
  DriveRequest,
  Fences,
  Inspected,
  Manifest,
  OutboxQuery,
  OutboxTransactions,
} from "../../contract/transaction/participant.ts";
import type { Infer } from "../../contract/types.ts";
import type { Log } from "../../core/plugin.ts";
import type { Ids, Timers } from "../../core/ports.ts";
import type { BatchMetrics } from "../../spi/metrics.ts";
import type { Performer } from "../../spi/perform.ts";
import type { BranchAction } from "../../spi/transaction.ts";
import { checkGid } from "../../spi/transaction-record.ts";
import { watchBatches } from "./batch-watch.ts";
import { type ExternalBranches, externalBranches } from "./external-branch.ts";
import { writingDown } from "./failing.ts";
import { fenceVersion, isLost, readCommitted } from "./fence.ts";
import { inLanes } from "./lanes.ts";
import { localBranches, repeated } from "./local-branch.ts";
import { type OutboxOrigin, type OutboxRows, originOf, pauseOutbox, removeDone, wakeOutbox } from "./outbox.ts";
import { listOutbox } from "./outbox-listing.ts";
import { atPlaces } from "./points.ts";
import { type PreparedBranches, parsePrepared, preparedBranches } from "./prepared.ts";
import { transactionCodes } from "./rule-codes.ts";
import { unfitError } from "./versions.ts";

/** A participant hosted in this process. */
export interface Participant {
  readonly performer: Performer;
  readonly prepared: PreparedBranches;
  /** What became of branches that were done together, since it is hosted. */
  batches(): readonly BatchMetrics[];
  /**
   * Rejects with INVALID_ARGUMENT for what nobody can do, UNAVAILABLE while the database cannot be reached, and with what an
   * operation throws; given `ids`, with INTERNAL in place of what is no status.
   */
  drive(request: DriveRequest, context: Context, ids?: Pick<Ids, "hex">): Promise<DriveReply>;
  /** Applies a branch, and writes rows of the outbox in the same database transaction. */
  applyAlong(request: DriveRequest, context: Context, along: OutboxRows): Promise<DriveReply>;
  /** The answer to a branch that was applied before, for the price of one read; nothing for any other. */
  applied(request: DriveRequest): Promise<DriveReply | undefined>;
  inspect(gid: string): Promise<Infer<typeof Inspected>>;
  /** Transactions of which something waits in the outbox here. */
  outbox(query: Infer<typeof OutboxQuery>): Promise<Infer<typeof OutboxTransactions>>;
  /** What is here of many transactions. */
  fences(gids: readonly string[]): Promise<Infer<typeof Fences>>;
  /** Takes a branch out of the outbox here that was settled by other means. */
  release(gid: string, branch: string): Promise<{ readonly rows: number }>;
  /** Makes due at once what of a transaction waits in the outbox here. */
  wake(gid: string): Promise<{ readonly rows: number }>;
  /** Has nothing of a transaction handed on that waits in the outbox here, or all that was paused of it at once. */
  pause(gid: string, paused: boolean): Promise<{ readonly rows: number }>;
  manifest(): Promise<Infer<typeof Manifest>>;
}

export interface ParticipantSetup {
  readonly at?: (point: string) => Promise<void> | void;
  /** The identity of the coordinator that is asked about what is held here. */
  readonly asks?: () => string;
  /** Sees to it that the coordinator has a record of what waits in the outbox here. */
  readonly adopts?: (gid: string, origin: OutboxOrigin) => Promise<unknown>;
  readonly log?: Log;
  readonly timers: Pick<Timers, "after">;
}

export function participant(
  performer: Performer,
  { at = () => undefined, asks, adopts, log, timers }: ParticipantSetup,
): Participant {
  const { operations, database } = performer;
  const places = atPlaces(at);
  const batches = watchBatches(operations.name, log);
  const local = inLanes(performer, localBranches(performer, places), places, batches, timers);
  const external = externalBranches(performer, local);
  const prepared = preparedBranches(database, local, places);

  /** Throws for what nobody can do. What cannot be taken back by this version may not have come, so that is only told. */
  function check(request: DriveRequest): { readonly isExternal: boolean; readonly unfit: StatusError | undefined } {
    const { gid, branch, steps, action, coordinator, asksNobody } = request;
    checkGid(gid);
    if (coordinator) checkGid(coordinator);
    if (!/^[A-Za-z0-9]{1,40}$/.test(branch)) throw invalid(`"${branch}" is no id of a branch`);
    const unfit = unfitError(operations, request);
    if (unfit && action !== "cancel" && action !== "undo") throw unfit;
    const isExternal = steps.some(({ operation }) => operations.operations[operation]?.facts.acts === "external");
    if (isExternal && (action === "prepare" || action === "check" || steps.length > 1))
      throw invalid(
        `an external operation cannot be driven by ${action}${steps.length > 1 ? " together with others" : ""}`,
      );
    const holds = holding.has(action) || (isExternal && action === "apply" && !asksNobody);
    if (coordinator && asks && coordinator !== asks() && holds) throw otherCoordinator(operations.name);
    return { isExternal, unfit };
  }

  /** Takes back what this version cannot: what has not come is barred, and what has waits for a version that can. */
  async function bar(request: DriveRequest, context: Context, unfit: StatusError): Promise<DriveReply> {
    const there = await local.settle(request);
    if (there.outcome === "done") throw unfit;
    return there.outcome === "ongoing" ? there : local.back(request, context);
  }

  async function drive(request: DriveRequest, context: Context): Promise<DriveReply> {
    const { isExternal, unfit } = check(request);
    const own: ExternalBranches = isExternal ? external : local;
    switch (request.action as BranchAction) {
      case "check":
        return local.check(request, context);
      case "reserve":
      case "apply":
        return own.forward(request, request.action as "reserve" | "apply", context);
      case "confirm":
        return own.confirm(request, context);
      case "cancel":
      case "undo":
        return unfit ? bar(request, context, unfit) : own.back(request, context);
      case "prepare":
        return prepared.prepare(request, context);
      case "commitPrepared":
        return prepared.commit(request);
      case "rollbackPrepared":
        return prepared.rollback(request, context);
      case "settle":
        return own.settle(request, context);
      case "peek":
        return own.peek(request);
      default:
        throw invalid(`"${request.action}" is no action`);
    }
  }

  return {
    performer,
    prepared,
    batches: batches.read,
    drive(request, context, ids) {
      // After a cancellation whatever was thrown counts as that.
      const errorId = () => (ids && !context.cancelled ? ids.hex(8) : undefined);
      const scribe = { participant: operations.name, log, errorId };
      return reachable(() => writingDown(request, scribe, () => drive(request, context)));
    },

    applyAlong: (request, context, along) =>
      reachable(() =>
        writingDown(request, { participant: operations.name, log }, async () => {
          if (check(request).isExternal)
            throw invalid("an external operation cannot share the transaction of an outbox");
          return local.forward(request, "apply", context, { along });
        }),
      ),

    applied: ({ gid, branch }) => {
      checkGid(gid);
      return reachable(async () => {
        const row = await readCommitted(database.sql, gid, branch, "R");
        return row?.kind === "apply" ? repeated(row) : undefined;
      });
    },

    async inspect(gid) {
      checkGid(gid);
      const { sql } = database;
      const [fence, outbox, waiting] = await Promise.all([
        sql<FenceFacts[]>`
          select branch, slot::text as slot, kind, strategy, operations,
            (extract(epoch from created_at) * 1000)::bigint as "createdAt"
          from mortise_fence where gid = ${gid} order by created_at`,
        sql<OutboxFacts[]>`
          select branch, state, attempts, last_error as "lastError",
            (extract(epoch from next_at) * 1000)::bigint as "nextAt", plan->>'participant' as participant,
            array(select step->>'step' from jsonb_array_elements(plan->'steps') as step) as steps
          from mortise_outbox where gid = ${gid} order by layer`,
        prepared.waiting(),
      ]);
      return { fence: [...fence], outbox: [...outbox], prepared: waiting.filter((name) => name.includes(gid)) };
    },

    outbox: (query) => reachable(() => listOutbox(database.sql, query)),

    async fences(gids) {
      for (const gid of gids) checkGid(gid);
      const asked = new Set(gids);
      // Prepared ones first: what is committed meanwhile is among the rows that are read then.
      const waiting = (await prepared.waiting()).filter((name) => asked.has(parsePrepared(name)?.gid ?? ""));
      const rows = await database.sql<Infer<typeof Fences>["rows"][number][]>`
        select gid, branch, slot::text as slot, kind from mortise_fence where gid = any(${[...gids]}::uuid[])`;
      return { rows: [...rows], prepared: waiting };
    },

    async release(gid, branch) {
      checkGid(gid);
      return reachable(async () => {
        const { removed } = await removeDone(database.sql, gid, branch);
        return { rows: removed ? 1 : 0 };
      });
    },

    async wake(gid) {
      checkGid(gid);
      return reachable(async () => ({ rows: await wakeOutbox(database.sql, gid) }));
    },

    async pause(gid, paused) {
      checkGid(gid);
      return reachable(async () => {
        const origin = paused ? await originOf(database.sql, gid) : undefined;
        if (origin) await adopts?.(gid, origin);
        return { rows: await pauseOutbox(database.sql, gid, paused) };
      });
    },

    async manifest() {
      const [row] = await database.sql<ManifestFacts[]>`
        select (select system_identifier::text from pg_control_system()) || '/' || current_database() as database,
          current_setting('max_prepared_transactions')::int as "preparedTransactions",
          current_setting('default_transaction_isolation') as "defaultIsolation"`;
      const known = Object.values(operations.operations).map(({ name, facts: { version, accepts } }) => {
        return { name, version, accepts };
      });
      if (!row) throw new StatusError("UNAVAILABLE", `the database of ${operations.name} says nothing about itself`);
      const coordinator = asks?.();
      return { ...row, operations: known, fenceVersion, ...(coordinator && { coordinator }) };
    },
  };
}

type FenceFacts = Infer<typeof Inspected>["fence"][number];
type OutboxFacts = Infer<typeof Inspected>["outbox"][number];
type ManifestFacts = Pick<Infer<typeof Manifest>, "database" | "preparedTransactions" | "defaultIsolation">;

/** After these somebody may have to ask how it was decided, and must ask the right one. */
const holding: ReadonlySet<string> = new Set<BranchAction>(["check", "reserve", "prepare"]);

function otherCoordinator(participant: string): StatusError {
  const message = `DTX021: ${participant} asks another coordinator than the one this transaction is kept by. ${transactionCodes.DTX021}`;
  return new StatusError("FAILED_PRECONDITION", message, { reason: "DTX021" });
}

function invalid(what: string): StatusError {
  return new StatusError("INVALID_ARGUMENT", what);
}

/** Says UNAVAILABLE where the database did not answer: then nobody knows whether it was done, and the fence will tell. */
async function reachable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StatusError || !isLost(error)) throw error;
    throw new StatusError("UNAVAILABLE", "the database of the participant did not answer", { cause: error });
  }
}
