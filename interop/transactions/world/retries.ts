import type { Asked, History, Request, Sent } from "./history.ts";
import { asksWithin, noticesWithin, quickest, roundsWithin, sendingsWithin } from "./limits.ts";
import type { Patience } from "./messages.ts";

/** What processes are held to when they try again. */
export interface Rules {
  readonly patience: Patience;
  /** Every schedule of best-effort that was in force. */
  readonly schedules: readonly (readonly number[])[];
  /** When somebody made what was given up begin anew, in milliseconds since 1970. */
  readonly begunAnew: readonly number[];
}

/** A call that fails may have been tried so often on its way, by the policy of these calls. */
const triesOfOne = 3;

/** What was tried more often than it may be, in words: by what processes wrote down, not by what they count themselves. */
export function tooOften(histories: readonly History[], rules: Rules): readonly string[] {
  const all = histories.flat();
  return [
    ...asksIn(all, rules),
    ...unaskedIn(all),
    ...sendingsIn(all, rules),
    ...histories.flatMap((one) => sentAtOnceIn(one, rules)),
  ];
}

/** Every branch is asked for no more than rounds, their attempts and their waits allow since its transaction was begun. */
function asksIn(all: readonly Request[], rules: Rules): readonly string[] {
  const asked = all.filter(isAsked("asked")).filter(({ action }) => action !== "peek"); // sweepers look as often as they sweep
  return [...groups(asked, ({ gid, branch, action }) => `${gid} ${branch} ${action}`)].flatMap(([about, same]) => {
    const [{ gid, strategy, action }] = same as [Asked];
    const begun = begunAt(gid);
    if (begun === undefined) return [];
    const isNotice = strategy === "best-effort" && action === "apply";
    const most = isNotice ? noticesFrom(begun, rules) : asksFrom(begun, rules, action);
    return first(same, most).map(
      ({ count, ms, allowed }) =>
        `${about} was asked for ${count} times within ${ms} ms under ${strategy}, of at most ${allowed}`,
    );
  });
}

/** What comes before a decision is asked for until a deadline, by whoever began it and by nobody else. */
const forward: ReadonlySet<string> = new Set(["check", "reserve", "prepare"]);
/** What makes a decision true is asked for in rounds only. The rest may be asked for either way. */
const settling: ReadonlySet<string> = new Set(["confirm", "cancel", "undo", "commitPrepared", "rollbackPrepared"]);

function asksFrom(begun: number, { patience }: Rules, action: string) {
  return (at: number) => {
    const inRounds = forward.has(action) ? 0 : patience.attempts * roundsWithin(at - begun, patience);
    return inRounds + (settling.has(action) ? 0 : asksWithin(at - begun, patience));
  };
}

const noticesFrom =
  (begun: number, { schedules, begunAnew, patience }: Rules) =>
  (at: number) => {
    const starts = [begun, ...begunAnew].filter((start) => start <= at);
    const schedule = quickest(schedules);
    return starts.map((start) => noticesWithin(at - start, schedule, patience)).reduce((a, b) => a + b, 0);
  };

/** Nothing beneath tries again by itself: a participant hears of a branch no more often than it was asked for. */
function unaskedIn(all: readonly Request[]): readonly string[] {
  const about = ({ gid, branch, action }: Asked) => `${gid} ${branch} ${action}`;
  const asked = groups(all.filter(isAsked("asked")), about);
  return [...groups(all.filter(isAsked("heard")), about)].flatMap(([one, { length }]) => {
    const times = asked.get(one)?.length ?? 0;
    return length > triesOfOne * times ? [`${one} was heard ${length} times and asked for ${times} times`] : [];
  });
}

/** A branch goes over the bus again no earlier than its acknowledgement may be waited for. */
function sendingsIn(all: readonly Request[], { patience }: Rules): readonly string[] {
  return all.filter(isSent).flatMap(({ gid, branch, round, at }) => {
    const begun = begunAt(gid);
    if (begun === undefined || round < sendingsWithin(at - begun, patience)) return [];
    return [`${gid} ${branch} was sent again for the ${round}. time ${at - begun} ms after its transaction was begun`];
  });
}

/**
 * A process sends a participant no more than `redeliverAtOnce` again in `redeliverMs`. Such a time touches two of those in
 * which it counts, and what it had counted before it fell asleep may come on top.
 */
function sentAtOnceIn(history: History, { patience: { redeliverMs, redeliverAtOnce } }: Rules): readonly string[] {
  const again = history.filter(isSent).filter(({ round }) => round > 0);
  const most = 3 * redeliverAtOnce;
  return [...groups(again, ({ participant }) => participant)].flatMap(([participant, sent]) => {
    const tooSoon = sent.some(({ at }, n) => at - (sent[n - most]?.at ?? Number.NEGATIVE_INFINITY) < redeliverMs);
    return tooSoon ? [`${participant} was sent more than ${most} branches again within ${redeliverMs} ms`] : [];
  });
}

interface Excess {
  readonly count: number;
  readonly ms: number;
  readonly allowed: number;
}

/** The first of them that was one too many, if any. */
function first(same: readonly Asked[], most: (at: number) => number): readonly Excess[] {
  const times = same.map(({ at }) => at).sort((a, b) => a - b);
  const found = times.findIndex((at, n) => n + 1 > most(at));
  const [start = 0, at = 0] = [times[0], times[found]];
  return found < 0 ? [] : [{ count: found + 1, ms: at - start, allowed: most(at) }];
}

/** When a transaction was begun, as its id says (a UUID of version 7); those begun under a key do not say. */
function begunAt(gid: string): number | undefined {
  return gid[14] === "7" ? Number.parseInt(gid.slice(0, 8) + gid.slice(9, 13), 16) : undefined;
}

function groups<T>(all: readonly T[], of: (one: T) => string): Map<string, T[]> {
  return Map.groupBy(all, of);
}

const isAsked =
  (what: Asked["what"]) =>
  (one: Request): one is Asked =>
    one.what === what;
const isSent = (one: Request): one is Sent => one.what === "sent";
