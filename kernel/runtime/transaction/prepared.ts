import type { Context } from "../../call/context.ts";
import { StatusError } from "../../call/status.ts";
import type { DriveReply, DriveRequest } from "../../contract/transaction/participant.ts";
import type { Database } from "../../spi/store.ts";
import { readCommitted, saidBy, sqlState } from "./fence.ts";
import { keyOf } from "./fence-many.ts";
import { answer, decodeKept, done } from "./kept.ts";
import type { LocalBranches } from "./local-branch.ts";
import type { AtPlace } from "./points.ts";
import { remembering } from "./remembering.ts";
import { transactionCodes } from "./rule-codes.ts";

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

/** What the name of a prepared transaction says: its fence row cannot be read. */
export interface PreparedName {
  readonly gid: string;
  readonly branch: string;
  /** Whom to ask how it was decided, where that was said. */
  readonly coordinator?: string | undefined;
}

/** The name of a prepared transaction; only signs that postgres.js leaves as they are, fewer than 200 of them. */
export function preparedName({ gid, branch, coordinator }: PreparedName): string {
  return `${prefix}${gid}:${branch}${coordinator ? `:${coordinator}` : ""}`;
}

/** Reads a name of a prepared transaction; nothing for one of somebody else's. */
export function parsePrepared(name: string): PreparedName | undefined {
  const [, gid, branch, coordinator] = /^mortise:([0-9a-f-]{36}):([A-Za-z0-9]+)(?::([0-9a-f-]{36}))?$/.exec(name) ?? [];
  if (gid === undefined || branch === undefined) return undefined;
  return { gid, branch, ...(coordinator !== undefined && { coordinator }) };
}

export function preparedBranches(database: Database, local: LocalBranches, at: AtPlace): PreparedBranches {
  const { sql } = database;
  const answers = remembering<DriveReply["results"]>();

  /** Names that wait for a branch, whoever coordinates it. */
  async function namesOf({ gid, branch }: PreparedName): Promise<readonly string[]> {
    const name = preparedName({ gid, branch });
    const rows = await sql<{ gid: string }[]>`
      select gid from pg_prepared_xacts
      where database = current_database() and (gid = ${name} or starts_with(gid, ${`${name}:`}))`;
    return rows.map((row) => row.gid);
  }

  /** Who ends it may not say, or not know, what whoever prepared it has put into its name. False: there is none. */
  async function end(how: "commit" | "rollback", request: PreparedName): Promise<boolean> {
    if (await endNamed(how, preparedName(request))) return true;
    const [other] = await namesOf(request);
    return other !== undefined && endNamed(how, other);
  }

  /** PostgreSQL takes no parameter here; the name is made of a checked gid, branch and coordinator. False: there is none. */
  async function endNamed(how: "commit" | "rollback", name: string): Promise<boolean> {
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
      const working = local.forward(request, "apply", context, { prepare: preparedName(request) });
      const reply = await working.catch((error: unknown) => {
        throw isTurnedOff(error) ? preparesNone(error) : error;
      });
      if (reply.outcome === "done") answers.keep(keyOf(request), reply.results);
      // Whoever waits for a row of the fence that nobody can see yet may wait for the vote of the same branch, which was lost.
      const voted = reply.outcome === "ongoing" && (await namesOf(request)).length > 0;
      return voted ? done([], outputsUnseen) : reply;
    },

    async commit(request) {
      const { gid, branch } = request;
      const answered = answers.take(keyOf(request));
      const ended = await end("commit", request);
      await at(request, "confirmed");
      if (ended && answered) return done(answered);
      const row = await readCommitted(sql, gid, branch, "R");
      if (row?.kind === "apply") return done(decodeKept(row.kept).results);
      const note = ended
        ? "it was committed and left no trace"
        : "it was to be committed and is gone: somebody ended it by hand";
      return answer("heuristic", `${branch}: ${note}`);
    },

    async rollback(request, context) {
      const { gid, branch } = request;
      answers.take(keyOf(request));
      await end("rollback", request);
      const row = await readCommitted(sql, gid, branch, "R");
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

/** Whether the server prepares no transactions at all: 55000, which an operation may come by as well. */
function isTurnedOff(error: unknown): boolean {
  const { code, query = "" } = saidBy(error) ?? {};
  return code === "55000" && /^prepare transaction /i.test(query);
}

function preparesNone(cause: unknown): StatusError {
  const message = `DTX008: the database prepares no transactions. ${transactionCodes.DTX008}`;
  return new StatusError("FAILED_PRECONDITION", message, { reason: "DTX008", cause });
}
