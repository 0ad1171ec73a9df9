import type { Context } from "../../call/context.ts";
import { codecOf } from "../../contract/codec/codec.ts";
import type { OperationType } from "../../contract/transaction/operation.ts";
import type { DriveReply, DriveRequest } from "../../contract/transaction/participant.ts";
import type { Timers } from "../../core/ports.ts";
import { batches } from "../../spi/batches.ts";
import type { LocalOperation, Performer } from "../../spi/perform.ts";
import type { BatchWatch } from "./batch-watch.ts";
import { isLost, isOngoing } from "./fence.ts";
import { keyOf } from "./fence-many.ts";
import type { LocalBranches } from "./local-branch.ts";
import { type ManyBranches, manyBranches } from "./many-branches.ts";
import type { AtPlace } from "./points.ts";
import { remembering } from "./remembering.ts";

/** Branches that go together at most; more would hold the lock of a hot row for too long. */
const maxBatch = 256;

/** Batches of requests that have nothing to do with each other, under way at once at most. */
const sharedInFlight = 2;

/** After so long, in milliseconds, one of them holds up the others no more: somebody in it waits for a lock, or worse. */
const sharedPatienceMs = 100;

/** Branches whose lane is remembered from their reservation to its end, at most; others find a lane all the same. */
const maxKnown = 50_000;

/** What became of one of a batch. */
type Outcome = PromiseSettledResult<DriveReply>;
type Ask = (item: Item) => Promise<Outcome>;
type Run = (items: readonly Item[]) => Promise<Outcome[]>;
type LaneAction = "reserve" | "apply" | "confirm" | "cancel";

interface Item {
  readonly request: DriveRequest;
  readonly context: Context;
}

/** How requests of one kind are carried out. */
interface Way {
  alone(item: Item): Promise<DriveReply>;
  together(of: ManyBranches, requests: readonly DriveRequest[], context: Context): Promise<DriveReply[]>;
}

/** Where requests of one kind for one operation go. */
interface Road {
  readonly run: Run;
  /** Where those meet that are alone in their lanes. */
  readonly share: Ask;
}

interface Lane {
  readonly ask: Ask;
  /** Requests in it. */
  open: number;
}

/**
 * Puts requests that contend for the same row into lanes: what comes while a batch of a lane is under way is the next
 * batch, and is one database transaction. A row that everybody wants is then locked once per batch, not once per
 * branch. A request alone in its lane goes with those alone in theirs, where the database is busy with as many batches
 * as it may; if it is not, and where a batch fails, each goes by itself.
 */
export function inLanes(
  { operations, database, perform }: Performer,
  local: LocalBranches,
  at: AtPlace,
  watch: BatchWatch,
  timers: Pick<Timers, "after">,
): LocalBranches {
  const lanes = new Map<string, Lane>();
  const roads = new Map<string, Road>();
  const patience = { timers, ms: sharedPatienceMs };
  const known = remembering<string>(maxKnown);
  const many = new Map<string, ManyBranches>();

  function manyOf(operation: OperationType): ManyBranches {
    const found =
      many.get(operation.name) ?? manyBranches(operation, perform[operation.name] as LocalOperation, database, at);
    many.set(operation.name, found);
    return found;
  }

  /** The operation of a branch that may go with others. */
  function operationOf({ steps }: DriveRequest, action: LaneAction): OperationType | undefined {
    const [step] = steps;
    if (!step || steps.length > 1) return undefined;
    const own = perform[step.operation] as LocalOperation | undefined;
    if (!own?.reserveMany || !own.confirmMany || !own.cancelMany || (action === "apply" && own.apply)) return undefined;
    return operations.operations[step.operation];
  }

  /** Of several keys one that has a lane, else the first. Nothing: it contends with nobody. */
  function laneFor(request: DriveRequest, operation: OperationType, action: LaneAction): string | undefined {
    const nameOf = (key: string) => `${action} ${operation.name} ${key}`;
    if (action === "confirm" || action === "cancel") return nameOf(known.get(keyOf(request)) ?? "");
    const keys = operation.keys(codecOf(operation.input).decode(request.steps[0]?.input ?? new Uint8Array()));
    const key = keys.find((one) => lanes.has(nameOf(one))) ?? keys[0];
    if (key === undefined) return undefined;
    if (action === "apply") return nameOf(key);
    known.keep(keyOf(request), key);
    return nameOf(key);
  }

  function laneOf(name: string, run: Run): Lane {
    const found = lanes.get(name);
    if (found) return found;
    const lane: Lane = { open: 0, ask: batches(run, { maxBatch, maxInFlight: 1 }) };
    lanes.set(name, lane);
    return lane;
  }

  const forward = (kind: "reserve" | "apply"): Way => ({
    alone: (one) => local.forward(one.request, kind, one.context),
    together: (of, requests, context) => of.forward(requests, kind, context),
  });
  const ways: Readonly<Record<LaneAction, Way>> = {
    reserve: forward("reserve"),
    apply: forward("apply"),
    confirm: {
      alone: (one) => local.confirm(one.request, one.context),
      together: (of, requests, context) => of.confirm(requests, context),
    },
    cancel: {
      alone: (one) => local.back(one.request, one.context),
      together: (of, requests, context) => of.cancel(requests, context),
    },
  };

  function roadOf(operation: OperationType, action: LaneAction): Road {
    const name = `${action} ${operation.name}`;
    const found = roads.get(name);
    if (found) return found;
    const run = runOf(operation, action);
    const road = { run, share: batches(run, { maxBatch, maxInFlight: sharedInFlight, patience }) };
    roads.set(name, road);
    return road;
  }

  function runOf(operation: OperationType, action: LaneAction): Run {
    const { alone, together } = ways[action];
    return async (items) => {
      const [first] = items;
      if (!first || items.length === 1) return Promise.allSettled(items.map(alone));
      const requests = items.map(({ request }) => request);
      try {
        const replies = await together(manyOf(operation), requests, first.context);
        watch.together(operation.name);
        return replies.map((value) => ({ status: "fulfilled", value }));
      } catch (error) {
        watch.apart(operation.name, action, items.length, error);
        return apart(items, alone, error);
      }
    };
  }

  async function through(item: Item, action: LaneAction): Promise<DriveReply> {
    const operation = operationOf(item.request, action);
    if (!operation) return ways[action].alone(item);
    const road = roadOf(operation, action);
    const name = laneFor(item.request, operation, action);
    return told(await (name === undefined ? road.share(item) : inLane(name, item, road)));
  }

  async function inLane(name: string, item: Item, { run, share }: Road): Promise<Outcome> {
    const lane = laneOf(name, async (items) => {
      const [first] = items;
      return first && items.length === 1 ? [await share(first)] : run(items);
    });
    lane.open++;
    try {
      return await lane.ask(item);
    } finally {
      if (--lane.open === 0) lanes.delete(name);
    }
  }

  return {
    ...local,
    forward: (request, kind, context, how) =>
      how?.along || how?.prepare !== undefined
        ? local.forward(request, kind, context, how)
        : through({ request, context }, kind),
    confirm: (request, context) => through({ request, context }, "confirm").finally(() => known.take(keyOf(request))),
    back: (request, context) =>
      request.action === "cancel"
        ? through({ request, context }, "cancel").finally(() => known.take(keyOf(request)))
        : local.back(request, context),
  };
}

/**
 * Each by itself after a batch that failed: nothing of it was committed, or the fence knows what was. Whatever is wrong with
 * one is no reason for the others to fail; a database that is away is away for all.
 */
async function apart(
  items: readonly Item[],
  alone: (item: Item) => Promise<DriveReply>,
  why: unknown,
): Promise<Outcome[]> {
  if (isLost(why)) throw why;
  if (isOngoing(why)) return Promise.allSettled(items.map(alone)); // those that wait for somebody's lock wait side by side
  const outcomes: Outcome[] = [];
  for (const item of items) outcomes.push(...(await Promise.allSettled([alone(item)])));
  return outcomes;
}

function told(outcome: Outcome): DriveReply {
  if (outcome.status === "rejected") throw outcome.reason;
  return outcome.value;
}
