import type {
  AuditEntry,
  Coordinator,
  NewTransaction,
  TransactionCount,
  TransactionFilter,
  TransactionNote,
  TransactionRecord,
} from "./coordinator.ts";
import { checkBegun, checkGid, endOf, hasEnded, interrupted, orphan, unbegunMs } from "./transaction-record.ts";

/** What the plugins of one realm share. */
export interface KeptTransactions {
  readonly records: Map<string, TransactionRecord>;
  /** Ids of those that have ended, in that order. */
  readonly ended: string[];
  readonly audits: AuditEntry[];
  /** Tells realms apart; default: nothing. */
  readonly identity?: string;
  /** Milliseconds since 1970, whole, that never go back. */
  now(): number;
}

/** A coordinator over a map. Every method is one step, so all of them are atomic. */
export function keptCoordinator(kept: KeptTransactions, maxEnded: number): Coordinator {
  const { records, ended, audits, now, identity = "" } = kept;

  function put(record: TransactionRecord): TransactionRecord {
    records.set(record.gid, record);
    return record;
  }

  /** Changes one that has not ended. False for one that has, or is not there. */
  function change(gid: string, changed: (record: TransactionRecord) => Partial<TransactionRecord>): boolean {
    checkGid(gid);
    const record = records.get(gid);
    if (!record || hasEnded(record.status)) return false;
    put({ ...record, ...changed(record) });
    return true;
  }

  function end(gid: string, more: (record: TransactionRecord) => Partial<TransactionRecord> = () => ({})): boolean {
    checkGid(gid);
    const record = records.get(gid);
    const status = record && endOf(record.status);
    if (!record || !status) return false;
    put({ ...record, ...more(record), status, stuck: false, endedAt: now() });
    ended.push(gid);
    if (ended.length > maxEnded) records.delete(ended.shift() as string);
    return true;
  }

  function endUnbegun(): void {
    for (const { gid, name, nextAt } of records.values()) if (name === "" && nextAt <= now()) end(gid);
  }

  return {
    identity,
    keepsEndedMs: undefined,
    async begin(begun, owner, leaseMs) {
      checkBegun(begun);
      const there = records.get(begun.gid);
      const at = now();
      const leaseUntil = at + leaseMs;
      const leased = { owner, leaseUntil, nextAt: leaseUntil };
      if (!there) put({ ...begunRecord(begun, at), ...leased });
      else if (there.name === "" && !hasEnded(there.status))
        return put({ ...there, ...planOf(begun, there, at), ...leased });
      return there;
    },
    async decide(gid, decision, { outputs = {}, abort, next = {} }) {
      checkGid(gid);
      const record = records.get(gid);
      if (!record)
        return decision === "aborting" ? put(unbegunRecord(gid, abort ?? interrupted, now())).status : undefined;
      if (record.status !== "active") return record.status;
      const reason = decision === "aborting" ? (abort ?? interrupted) : undefined;
      const at = now();
      put({ ...record, ...noted(record, { outputs, ...next }, at), status: decision, decidedAt: at, abort: reason });
      return decision;
    },
    finish: async (gid, last = {}) => end(gid, (record) => noted(record, last, now())),
    note: async (gid, note) => void change(gid, (record) => noted(record, note, now())),
    async renew(gids, owner, leaseMs) {
      const until = now() + leaseMs;
      for (const gid of gids)
        change(gid, (record) => (record.owner === owner ? { leaseUntil: until, nextAt: until } : {}));
    },
    async claim({ owner, names, limit, leaseMs }) {
      endUnbegun();
      const at = now();
      const leaseUntil = at + leaseMs;
      return [...records.values()]
        .filter((record) => names.includes(record.name) && isDue(record, at))
        .sort((a, b) => a.nextAt - b.nextAt)
        .slice(0, limit)
        .map((record) => put({ ...record, owner, leaseUntil, nextAt: leaseUntil }));
    },
    async get(gid) {
      checkGid(gid);
      return records.get(gid);
    },
    async find(filter) {
      const found = [...records.values()].filter((record) => matches(record, filter, now()));
      const byGid = (a: TransactionRecord, b: TransactionRecord) => (a.gid < b.gid ? -1 : 1);
      const byAge = (a: TransactionRecord, b: TransactionRecord) => a.createdAt - b.createdAt || byGid(a, b);
      return found.sort(filter.after === undefined ? byAge : byGid).slice(0, filter.limit ?? 100);
    },
    async notLongEnded(gids, withinMs) {
      gids.forEach(checkGid);
      const since = now() - withinMs;
      const known = gids.flatMap((gid) => records.get(gid) ?? []);
      return known.filter(({ endedAt = Number.POSITIVE_INFINITY }) => endedAt > since).map(({ gid }) => gid);
    },
    counts: async () => countsOf(records.values(), now()),
    async inquire(gid) {
      checkGid(gid);
      return (records.get(gid) ?? put(unbegunRecord(gid, orphan, now()))).status;
    },
    async overdue(gid) {
      checkGid(gid);
      const { status, paused, deadlineAt = Number.POSITIVE_INFINITY } = records.get(gid) ?? {};
      return status === "active" && !paused && deadlineAt <= now();
    },
    wake: async (gid) => change(gid, () => ({ nextAt: now(), leaseUntil: now(), owner: "" })),
    pause: async (gid, paused) => change(gid, () => ({ paused })),
    async close(gid, note, branch) {
      const noted = ({ heuristic }: TransactionRecord) => withHeuristic(heuristic, note);
      if (branch === undefined) return end(gid, (record) => ({ heuristic: noted(record) }));
      checkGid(gid);
      const record = records.get(gid);
      if (!record || !endOf(record.status) || record.done.includes(branch)) return false;
      return change(gid, ({ done }) => ({ done: [...done, branch], heuristic: noted(record) }));
    },
    async audit(entry) {
      audits.push({ ...entry, at: now() });
    },
    async audits(gid) {
      checkGid(gid);
      return audits.filter((entry) => entry.gid === gid);
    },
    health: async () => ({ durable: false, replicated: false }),
  };
}

function begunRecord({ deadlineMs, past, ...begun }: NewTransaction, at: number): TransactionRecord {
  const { status, abort = interrupted } = begun;
  const { ageMs, attempts, lastError } = past ?? { ageMs: 0, attempts: 0, lastError: "" };
  const createdAt = at - Math.round(ageMs);
  return {
    ...begun,
    input: begun.input.slice(),
    abort: status === "aborting" ? abort : undefined,
    done: [],
    createdAt,
    decidedAt: status === "active" ? undefined : createdAt,
    endedAt: undefined,
    deadlineAt: deadlineMs === undefined ? undefined : createdAt + deadlineMs,
    nextAt: at,
    attempts,
    lastError,
    stuck: false,
    heuristic: "",
    paused: false,
    owner: "",
    leaseUntil: at,
  };
}

/** An abort where nothing was begun. */
function unbegunRecord(gid: string, abort: TransactionRecord["abort"], at: number): TransactionRecord {
  const nothing = { gid, name: "", version: 0, strategy: "", input: new Uint8Array(), branches: [], outputs: {} };
  const record = begunRecord({ ...nothing, status: "active", deadlineMs: undefined, trace: "" }, at);
  return { ...record, status: "aborting", abort, decidedAt: at, nextAt: at + unbegunMs };
}

/** What a late begin brings to an abort that was written before it. */
function planOf(begun: NewTransaction, there: TransactionRecord, at: number): Partial<TransactionRecord> {
  const { name, version, strategy, input, branches, trace, deadlineAt, outputs } = begunRecord(begun, at);
  return { name, version, strategy, input, branches, trace, deadlineAt, outputs: { ...outputs, ...there.outputs } };
}

function noted(record: TransactionRecord, note: TransactionNote, at: number): Partial<TransactionRecord> {
  const { done = [], outputs, attempts, lastError, stuck, heuristic, nextInMs } = note;
  return {
    done: [...new Set([...record.done, ...done])],
    outputs: { ...record.outputs, ...outputs },
    attempts: attempts ?? record.attempts,
    lastError: lastError ?? record.lastError,
    stuck: stuck ?? record.stuck,
    heuristic: withHeuristic(record.heuristic, heuristic),
    ...(nextInMs !== undefined && { nextAt: at + nextInMs, leaseUntil: at, owner: "" }),
  };
}

function isDue({ status, paused, nextAt, leaseUntil }: TransactionRecord, at: number): boolean {
  return !hasEnded(status) && !paused && nextAt <= at && leaseUntil <= at;
}

function matches(record: TransactionRecord, filter: TransactionFilter, at: number): boolean {
  const { name, status, strategy, stuck, olderThanMs, newerThanMs, gids, gidEnd = "", after } = filter;
  return (
    (name === undefined || record.name === name) &&
    (status === undefined || status.includes(record.status)) &&
    (strategy === undefined || record.strategy === strategy) &&
    (stuck === undefined || record.stuck === stuck) &&
    (olderThanMs === undefined || record.createdAt <= at - olderThanMs) &&
    (newerThanMs === undefined || record.createdAt > at - newerThanMs) &&
    (gids === undefined || gids.includes(record.gid)) &&
    record.gid.endsWith(gidEnd) &&
    (after === undefined || record.gid > after)
  );
}

function countsOf(records: Iterable<TransactionRecord>, at: number): readonly TransactionCount[] {
  const counts = new Map<string, TransactionCount>();
  for (const { name, strategy, status, stuck, createdAt } of records) {
    if (hasEnded(status) || name === "") continue;
    const key = JSON.stringify([name, strategy, status]);
    const { count, stuck: stuckOnes, oldestMs } = counts.get(key) ?? { count: 0, stuck: 0, oldestMs: 0 };
    const oldest = Math.max(oldestMs, at - createdAt);
    counts.set(key, { name, strategy, status, count: count + 1, stuck: stuckOnes + Number(stuck), oldestMs: oldest });
  }
  return [...counts.values()];
}

function withHeuristic(known: string, more = ""): string {
  if (more === "" || `; ${known}; `.includes(`; ${more}; `)) return known;
  return known === "" ? more : `${known}; ${more}`;
}
