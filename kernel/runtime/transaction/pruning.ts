import type { Log } from "../../core/plugin.ts";
import type { Ports } from "../../core/ports.ts";
import type { Coordinator } from "../../spi/coordinator.ts";
import type { Database } from "../../spi/store.ts";
import { makeWorker, type Worker } from "../../spi/worker.ts";
import type { BranchId } from "./fence-many.ts";
import { oldBranches, type Pages, pageCount, removeOld } from "./fence-retention.ts";

export interface Pruning {
  readonly coordinator: () => Coordinator;
  /** How long rows are kept after the last one of their branch, in milliseconds. */
  readonly retentionMs: number;
}

export interface PruningSetup extends Pick<Pruning, "coordinator"> {
  /** As in `Pruning`; undefined: nothing is removed. */
  readonly retentionMs: number | undefined;
  readonly databases: () => readonly Database[];
  /** How often each database is gone through, in milliseconds. */
  readonly everyMs: number;
  readonly ports: Ports;
  readonly log: Log;
}

/** How many branches lost their rows, and how many were left to another coordinator; those nobody can read are kept. */
export interface Pruned {
  readonly removed: number;
  readonly foreign: number;
  readonly unreadable: readonly BranchId[];
}

/**
 * Removes from some pages of a fence what is old, and of a transaction that ended as long ago, or that the coordinator does not know;
 * it is only asked, and told nothing. Rejects when it or the database does not answer: then nothing was removed.
 */
export async function prune(
  sql: Database["sql"],
  pages: Pages,
  { coordinator, retentionMs }: Pruning,
): Promise<Pruned> {
  const { branches, unreadable } = await oldBranches(sql, pages, retentionMs);
  const asked = coordinator();
  const ours = branches.filter(({ coordinator: keeper }) => keeper === undefined || keeper === asked.identity);
  const gids = [...new Set(ours.map(({ gid }) => gid))];
  const needed = new Set(gids.length > 0 ? await asked.notLongEnded(gids, retentionMs) : []);
  const gone = ours.filter(({ gid }) => !needed.has(gid));
  return { removed: await removeOld(sql, gone, retentionMs), foreign: branches.length - ours.length, unreadable };
}

/** How far a database was gone through. */
interface Walk {
  /** The first page that is still to be looked at, */
  page: number;
  /** of so many; what comes behind them later is young. */
  pages: number;
  /** When it begins again. */
  dueAt: number;
  removed: number;
  foreign: number;
}

function walkFrom(dueAt: number): Walk {
  return { page: 0, pages: 0, dueAt, removed: 0, foreign: 0 };
}

/** Goes through the fences of these databases again and again, some pages at a time, each at its own pace. */
export function pruning(setup: PruningSetup): Worker {
  const { databases, everyMs, retentionMs, coordinator, ports, log } = setup;
  const walks = new WeakMap<Database, Walk>();
  const told = new WeakSet<Database>();

  /** Gives whether there is more to look at now. */
  async function step(database: Database, how: Pruning): Promise<boolean> {
    const walk = walks.get(database) ?? walkFrom(ports.clock.now() + Math.min(everyMs, firstAfterMs));
    walks.set(database, walk);
    if (ports.clock.now() < walk.dueAt) return false;
    if (walk.page === 0) walk.pages = await pageCount(database.sql);
    const to = walk.page + pagesAtOnce;
    const { removed, foreign, unreadable } = await prune(database.sql, { from: walk.page, to }, how);
    tellUnreadable(database, unreadable);
    walk.page = to;
    walk.removed += removed;
    walk.foreign += foreign;
    if (to < walk.pages) return true;
    tell(database, walk);
    walks.set(database, walkFrom(ports.clock.now() + everyMs));
    return false;
  }

  /** Says once of a database that a row there cannot be read. */
  function tellUnreadable(database: Database, [first]: readonly BranchId[]): void {
    if (!first || told.has(database)) return;
    told.add(database);
    const what = "a row of a fence cannot be read, and is kept as all that are like it";
    log.warn(what, { database: database.name, ...first });
  }

  function tell({ name: database }: Database, { removed, foreign }: Walk): void {
    if (removed > 0)
      log.info("what a fence knew of branches that ended long ago was removed", { database, branches: removed });
    if (foreign > 0)
      log.info("what a fence knows of branches of another coordinator is kept, however old", {
        database,
        branches: foreign,
      });
  }

  return makeWorker({
    name: "removal of old rows of fences",
    everyMs: Math.min(everyMs, lookMs),
    ports,
    log,
    async work() {
      if (retentionMs === undefined) return false;
      const each = [...new Set(databases())].map(async (database) => {
        try {
          return await step(database, { coordinator, retentionMs });
        } catch (error) {
          log.warn("old rows of a fence could not be removed; tried again later", { database: database.name, error });
          return false;
        }
      });
      return (await Promise.all(each)).some(Boolean);
    },
  });
}

/** About 2000 rows. */
const pagesAtOnce = 32;

/** How often it is looked whether something is due, or can be done again that has failed, in milliseconds. */
const lookMs = 60_000;

/**
 * How long a database waits before it is first gone through, in milliseconds: who was away as long as all others may still have
 * something to send again. It does so at once, and what is known here answers it.
 */
const firstAfterMs = 600_000;
