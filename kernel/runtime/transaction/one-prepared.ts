import type { Context } from "../../call/context.ts";
import type { DriveReply, DriveRequest } from "../../contract/transaction/participant.ts";
import type { Performer } from "../../spi/perform.ts";
import { entryOf } from "./fence.ts";
import { keyOf } from "./fence-many.ts";
import { doAndEnterBoth, onlyDo } from "./fence-statement.ts";
import { inFencedTransaction, prepareAs } from "./in-transaction.ts";
import { done, encodeKept, foretold } from "./kept.ts";
import type { AtPlace } from "./points.ts";
import { type Build, inTurn, orNothing, type Stated } from "./stated.ts";

/** Drives branches that are one statement, or none, where they do not end with a commit. */
export interface OnePrepared {
  /**
   * Leaves a branch prepared under a name, in two trips, and gives the answer to it. Nothing: it takes more than one statement,
   * it changed no row, or somebody was there first. Whatever it is, nothing was done.
   */
  prepare(request: DriveRequest, name: string, context: Context): Promise<DriveReply | undefined>;
  /**
   * Does a branch and undoes it. Gives, as soon as that is known, whether it can be done; if not, a transaction will tell why.
   */
  check(request: DriveRequest, context: Context): Promise<boolean>;
}

/** Undoes the database transaction. */
const undone = new Error("undone");

export function onePrepared({ operations, database }: Performer, { plan, send }: Stated, at: AtPlace): OnePrepared {
  const turn = inTurn();

  return {
    async prepare(request, name, context) {
      const kept = foretold(request, operations);
      const planned = kept && plan(kept.steps, "apply");
      if (!planned) return undefined;
      const entry = entryOf(request, "R", "apply", encodeKept(kept));
      const build: Build = (tag, business) => doAndEnterBoth(tag, business, entry, "confirm");
      const branch = { gid: request.gid, kept, planned, context };
      const working = () =>
        inFencedTransaction(database, async (tx) => {
          if (!(await send(tx.orm, branch, build))) throw undone;
          await at(request, "preparing");
          prepareAs(tx, name);
          return done(kept.results);
        });
      return turn(keyOf(request), () => orNothing(working()));
    },

    async check(request, context) {
      const kept = { steps: request.steps, results: [] };
      const planned = plan(kept.steps, "check");
      if (!planned) return false;
      if (planned.length === 0) return true;
      const branch = { gid: request.gid, kept, planned, context };
      const possible = Promise.withResolvers<boolean>();
      const trying = inFencedTransaction(database, async (tx) => {
        possible.resolve(await send(tx.orm, branch, onlyDo));
        throw undone;
      });
      return Promise.race([possible.promise, orNothing(trying).then(() => false)]);
    },
  };
}
