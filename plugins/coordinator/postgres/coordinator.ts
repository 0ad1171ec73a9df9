import type { Coordinator, NewTransaction, Ports } from "@mortise/kernel";
import { StatusError } from "@mortise/kernel";
import { batches, oneByOne } from "@mortise/kernel/spi/batches";
import { checkBegun, checkGid } from "@mortise/kernel/spi/transaction-record";
import { beginAll } from "./begin.ts";
import { claim, finishAll, noteAll, renew } from "./changes.ts";
import { decideAll } from "./decide.ts";
import * as queries from "./queries.ts";
import { readRecord, type Sql } from "./records.ts";
import { repeating } from "./repeat.ts";
import { keptMs } from "./retention.ts";

export interface CoordinatorOptions {
  readonly batching: boolean;
  readonly maxBatch: number;
  readonly maxInFlight: number;
  readonly unavailableAfterMs: number;
  readonly retentionDays: number;
}

/**
 * Transactions in tables. What every transaction does (begin, decide, note, finish) goes in batches, those of one
 * transaction one after another; all of it may be repeated, so a lost connection is bridged.
 */
export function postgresCoordinator(
  { sql, identity }: { readonly sql: Sql; readonly identity: string },
  options: CoordinatorOptions,
  ports: Ports,
): Coordinator {
  const { batching, maxBatch, maxInFlight, unavailableAfterMs } = options;
  const repeat = repeating(ports, unavailableAfterMs);
  const inOrder = oneByOne();
  const isFaultOfOne = (error: unknown) => error instanceof StatusError && error.code !== "UNAVAILABLE";
  const how = batching
    ? { maxBatch, maxInFlight, isFaultOfOne }
    : { maxBatch: 1, maxInFlight: Number.POSITIVE_INFINITY, isFaultOfOne };

  const many = <I, O>(run: (sql: Sql, items: readonly I[]) => Promise<readonly O[]>) =>
    batches<I, O>((items) => repeat(() => run(sql, items)), how);
  const [begins, decides, notes, finishes] = [many(beginAll), many(decideAll), many(noteAll), many(finishAll)];

  /** A request about one transaction. */
  const about = <A extends unknown[], T>(run: (sql: Sql, gid: string, ...more: A) => Promise<T>) => {
    return async (gid: string, ...more: A): Promise<T> => {
      checkGid(gid);
      return repeat(() => run(sql, gid, ...more));
    };
  };

  return {
    identity,
    keepsEndedMs: keptMs(options),
    async begin(begun: NewTransaction, owner, leaseMs) {
      checkBegun(begun);
      return inOrder(begun.gid, () => begins({ begun, id: ports.ids.uuid(), owner, leaseMs }));
    },
    async decide(gid, decision, { outputs = {}, abort, next }) {
      checkGid(gid);
      return inOrder(gid, () => decides({ gid, decision, outputs, abort, next }));
    },
    async finish(gid, last) {
      checkGid(gid);
      return inOrder(gid, () => finishes({ gid, last }));
    },
    async note(gid, note) {
      checkGid(gid);
      return inOrder(gid, () => notes({ gid, note }));
    },
    async renew(gids, owner, leaseMs) {
      gids.forEach(checkGid);
      if (gids.length > 0) await repeat(() => renew(sql, gids, owner, leaseMs));
    },
    claim: async (request) => (request.names.length === 0 ? [] : repeat(() => claim(sql, request))),
    get: about(readRecord),
    find: (filter) => repeat(() => queries.find(sql, filter)),
    async notLongEnded(gids, withinMs) {
      gids.forEach(checkGid);
      return gids.length === 0 ? [] : repeat(() => queries.notLongEnded(sql, gids, withinMs));
    },
    counts: () => repeat(() => queries.counts(sql)),
    inquire: about(queries.inquire),
    overdue: about(queries.overdue),
    wake: about(queries.wake),
    pause: about(queries.pause),
    close: about(queries.close),
    async audit(entry) {
      checkGid(entry.gid);
      return repeat(() => queries.audit(sql, entry));
    },
    audits: about(queries.audits),
    health: () => repeat(() => queries.health(sql)),
  };
}
