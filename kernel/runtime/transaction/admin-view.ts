import type {
  BranchView,
  TransactionEvent,
  TransactionQuery,
  TransactionSummary,
} from "../../contract/transaction/admin.ts";
import type { Inspected } from "../../contract/transaction/participant.ts";
import type { Infer } from "../../contract/types.ts";
import type { AuditEntry, PlannedBranch, TransactionFilter, TransactionRecord } from "../../spi/coordinator.ts";
import { hasEnded, isStatus, openStatuses } from "../../spi/transaction-record.ts";
import { parsePrepared } from "./prepared.ts";
import { invalid } from "./refusals.ts";

export type Summary = Infer<typeof TransactionSummary>;
export type Branch = Infer<typeof BranchView>;
export type Event = Infer<typeof TransactionEvent>;
export type Knowledge = ReadonlyMap<string, Infer<typeof Inspected>>;

/** How many transactions are listed where nobody says. */
export const defaultLimit = 100;

/** Throws INVALID_ARGUMENT for a status there is not, and for a limit nobody could read. */
export function filterOf(query: Infer<typeof TransactionQuery>): TransactionFilter {
  const { name, statuses, strategy, stuck, olderThanMs, limit, open, gidEnd = "" } = query;
  const known = statuses.filter(isStatus);
  const wrong = statuses.find((status) => !isStatus(status));
  if (wrong !== undefined)
    throw invalid(`"${wrong}" is no status; there are ${[...openStatuses, "committed", "aborted"].join(", ")}`);
  if (limit < 0 || limit > 10_000) throw invalid(`the limit is ${limit}; from 1 to 10000, or 0 for ${defaultLimit}`);
  if (!/^[0-9a-f-]*$/.test(gidEnd)) throw invalid(`"${gidEnd}" is not how an id of a transaction ends`);
  if (olderThanMs < 0n) throw invalid(`the age is ${olderThanMs} ms; at least 0`);
  const wanted = known.length > 0 ? known : openStatuses;
  return {
    ...(name !== "" && { name }),
    ...((open || known.length > 0) && { status: open ? wanted.filter((status) => !hasEnded(status)) : known }),
    ...(strategy !== "" && { strategy }),
    ...(stuck && { stuck }),
    ...(gidEnd !== "" && { gidEnd }),
    ...(olderThanMs > 0n && { olderThanMs: Number(olderThanMs) }),
    limit: limit || defaultLimit,
  };
}

/** @param now the wall clock here, for the age of what has not ended */
export function summaryOf(record: TransactionRecord, now: number): Summary {
  const { gid, name, version, strategy, status, owner, attempts, lastError, stuck, paused, heuristic, trace } = record;
  const { createdAt, decidedAt, endedAt, deadlineAt, nextAt, leaseUntil, abort } = record;
  return {
    ...{ gid, name, version, strategy, status, owner, attempts, lastError, stuck, paused, heuristic, trace },
    createdAt: moment(createdAt),
    decidedAt: moment(decidedAt),
    endedAt: moment(endedAt),
    deadlineAt: moment(deadlineAt),
    nextAt: moment(nextAt),
    leaseUntil: moment(leaseUntil),
    abortReason: abort?.reason ?? "",
    abortMessage: abort?.message ?? "",
    abortStep: abort?.step ?? "",
    ageMs: moment(Math.max(0, (endedAt ?? now) - createdAt)),
    keptBy: "",
  };
}

/** The branches of a record, or those the participants tell of where there is none, as their transaction plans them. */
export function branchesIn(
  record: TransactionRecord | undefined,
  known: Knowledge,
  plan: readonly PlannedBranch[] = [],
): Branch[] {
  const planned = record?.branches ?? plan;
  const plannedIds = new Set(planned.map(({ id }) => id));
  const told = [...known].flatMap(([participant, { fence, prepared }]) =>
    [...fence.map(({ branch }) => branch), ...prepared.flatMap((name) => parsePrepared(name)?.branch ?? [])].map(
      (id) => ({ ...unplanned, id, participant }),
    ),
  );
  const waiting = [...known.values()].flatMap(({ outbox }) =>
    outbox.map(({ branch, participant = "", steps }) => ({
      ...{ ...unplanned, id: branch, participant },
      steps: steps.map((step) => ({ step, operation: "", version: 0 })),
    })),
  );
  const unknown = [...told, ...waiting].filter(({ id }) => !plannedIds.has(id));
  const others = [...new Map(unknown.map((one) => [one.id, one])).values()];
  const all = [...planned, ...others.sort((a, b) => a.id.localeCompare(b.id, "en", { numeric: true }))];
  return all.map((branch) => branchOf(branch, record?.done.includes(branch.id) ?? false, known));
}

const unplanned: Omit<PlannedBranch, "id" | "participant"> = {
  steps: [],
  after: [],
  pivot: false,
  afterCommit: false,
  droppable: false,
  external: false,
};

/** Participants may share a database, and then each of them tells of the branches of the other as well. */
function branchOf({ steps, ...branch }: PlannedBranch, done: boolean, known: Knowledge): Branch {
  const { id, participant } = branch;
  const own = known.get(participant);
  const outbox = [...known.values()].flatMap((one) => one.outbox).find((row) => row.branch === id);
  return {
    ...branch,
    done,
    after: [...branch.after],
    steps: steps.map(({ step }) => step),
    fence: own?.fence.filter((row) => row.branch === id) ?? [],
    prepared: own?.prepared.filter((name) => parsePrepared(name)?.branch === id) ?? [],
    ...(outbox && { outbox }),
  };
}

/** Everything that is known to have happened to a transaction, in its order. */
export function eventsOf(
  gid: string,
  record: TransactionRecord | undefined,
  branches: readonly Branch[],
  audits: readonly AuditEntry[],
): Event[] {
  const { name = "", strategy = "", abort } = record ?? {};
  const event = (at: number | bigint, what: string, more: Partial<Event> = {}): Event => ({
    ...{ gid, what, branch: "", participant: "", by: "", note: "", name, strategy, reason: "" },
    at: BigInt(at),
    ...more,
  });
  const course = record
    ? courseOf(record).map(([at, what, note]) =>
        event(at, what, { note, reason: what === "decide" ? (abort?.reason ?? "") : "" }),
      )
    : [];
  const fence = branches.flatMap(({ participant, fence }) =>
    fence.map(({ branch, kind, operations, createdAt }) =>
      event(createdAt, kind, { branch, participant, note: operations }),
    ),
  );
  const acts = audits.map(({ at, action, by, reason }) =>
    event(at, "audit", { by, reason, note: reason === "" ? action : `${action}: ${reason}` }),
  );
  return [...course, ...fence, ...acts].sort((a, b) => Number(a.at - b.at) || rankOf(a) - rankOf(b));
}

function courseOf(record: TransactionRecord): [at: number, what: string, note: string][] {
  const { createdAt, decidedAt, endedAt, status, abort, name, version, strategy } = record;
  const why = abort
    ? `: ${[abort.reason, abort.step && `at ${abort.step}`, abort.message].filter(Boolean).join(", ")}`
    : "";
  const course: [number, string, string][] = [[createdAt, "begin", `${name} ${version} as ${strategy}`]];
  const decision = status === "committing" || status === "committed" ? "commit" : `abort${why}`;
  if (decidedAt !== undefined) course.push([decidedAt, "decide", decision]);
  if (endedAt !== undefined) course.push([endedAt, "end", status]);
  return course;
}

/** Of what happened in one millisecond, a begin comes first and an end last. */
function rankOf({ what }: Event): number {
  return what === "begin" ? 0 : what === "end" ? 2 : 1;
}

function moment(ms: number | undefined): bigint {
  return BigInt(Math.round(ms ?? 0));
}
