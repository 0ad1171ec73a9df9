import type { Context } from "../../call/context.ts";
import type { DriveReply, DriveRequest } from "../../contract/transaction/participant.ts";
import type { Database } from "../../spi/store.ts";
import { read, sqlState } from "./fence.ts";
import { answer, decodeKept, done } from "./kept.ts";
import { inTransaction, type LocalBranches } from "./local-branch.ts";
import type { AtPlace } from "./points.ts";

/** Branches that wait for the decision as prepared transactions of PostgreSQL. */
export interface PreparedBranches {
  prepare(request: DriveRequest, context: Context): Promise<DriveReply>;
  commit(request: DriveRequest): Promise<DriveReply>;
  rollback(request: DriveRequest, context: Context): Promise<DriveReply>;
  /** Names of those that wait in this database, oldest first. */
  waiting(olderThanMs?: number): Promise<readonly string[]>;
  /** How many wait, and how long the oldest has, in milliseconds. */
  held(): Promise<{ readonly count: number; readonly oldestMs: number }>;
}

/** Said with a `done` where the outputs cannot be seen before the commit. */
export const outputsUnseen = "the outputs can be seen once it is committed";

const prefix = "mortise:";

/** The name of a prepared transaction; only signs that postgres.js leaves as they are. */
export function preparedName(gid: string, branch: string): string {
  return `${prefix}${gid}:${branch}`;
}

/** What a name of a prepared transaction says; nothing for one of somebody else's. */
export function parsePrepared(name: string): { readonly gid: string; readonly branch: string } | undefined {
  const [, gid, branch] = /^mortise:([0-9a-f-]{36}):([A-Za-z0-9]+)$/.exec(name) ?? [];
  return gid !== undefined && branch !== undefined ? { gid, branch } : undefined;
}

export function preparedBranches(database: Database, local: LocalBranches, at: AtPlace): PreparedBranches {
  const { sql } = database;

  async function isWaiting(name: string): Promise<boolean> {
    const rows = await sql`select 1 from pg_prepared_xacts where gid = ${name} and database = current_database()`;
    return rows.length > 0;
  }

  /** PostgreSQL takes no parameter here; the name is made of a checked gid and branch. False: there is none. */
  async function end(how: "commit" | "rollback", name: string): Promise<boolean> {
    try {
      await sql.unsafe(`${how} prepared '${name}'`);
      return true;
    } catch (error) {
      if (sqlState(error) === "42704") return false;
      throw error;
    }
  }

  return {
    async prepare(request, context) {
      const name = preparedName(request.gid, request.branch);
      // A vote that was lost is in a fence row nobody can see yet; asking for the row would wait for the decision.
      if (await isWaiting(name)) return done([], outputsUnseen);
      return local.forward(request, "apply", context, { prepare: name });
    },

    async commit(request) {
      const { gid, branch } = request;
      const ended = await end("commit", preparedName(gid, branch));
      await at(request, "confirmed");
      const row = await inTransaction(database, (tx) => read(tx.sql, gid, branch, "R"));
      if (row?.kind === "apply") return done(decodeKept(row.kept).results);
      const note = ended
        ? "it was committed and left no trace"
        : "it was to be committed and is gone: somebody ended it by hand";
      return answer("heuristic", `${branch}: ${note}`);
    },

    async rollback(request, context) {
      const { gid, branch } = request;
      await end("rollback", preparedName(gid, branch));
      const row = await inTransaction(database, (tx) => read(tx.sql, gid, branch, "R"));
      if (row?.kind === "apply")
        return answer("heuristic", `${branch} was to be rolled back and had been committed by hand`);
      return local.back(request, context); // a prepare that comes later finds the tombstone
    },

    async held() {
      const [row] = await sql<{ count: number; oldestMs: number }[]>`
        select count(*)::float8 as count,
          coalesce(greatest(0, extract(epoch from clock_timestamp() - min(prepared)) * 1000), 0)::float8 as "oldestMs"
        from pg_prepared_xacts where database = current_database() and starts_with(gid, ${prefix})`;
      return row ?? { count: 0, oldestMs: 0 };
    },

    async waiting(olderThanMs = 0) {
      const rows = await sql<{ gid: string }[]>`
        select gid from pg_prepared_xacts
        where database = current_database() and starts_with(gid, ${prefix})
          and prepared <= clock_timestamp() - ${olderThanMs} * interval '1 millisecond'
        order by prepared`;
      return rows.map(({ gid }) => gid);
    },
  };
}
