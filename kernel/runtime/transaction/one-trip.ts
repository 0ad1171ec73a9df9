import type { Context } from "../../call/context.ts";
import type { DriveReply, DriveRequest } from "../../contract/transaction/participant.ts";
import type { Performer } from "../../spi/perform.ts";
import { entryOf, type FenceKind } from "./fence.ts";
import { keyOf } from "./fence-many.ts";
import { doAndEnter, finishAlone, finishAndEnter } from "./fence-statement.ts";
import { done, encodeKept, foretold, type KeptBranch } from "./kept.ts";
import type { OutboxRows } from "./outbox.ts";
import { remembering } from "./remembering.ts";
import { type Build, inTurn, orNothing, type Stated } from "./stated.ts";

/** Drives branches that are one statement, or none, in one trip. */
export interface OneTrip {
  /**
   * Gives the answer to a branch that was done now. Nothing: it takes more than one statement, it changed no row, or somebody
   * was there first. Whatever it is, nothing was done.
   */
  forward(request: DriveRequest, kind: Forward, context: Context, outbox?: OutboxRows): Promise<DriveReply | undefined>;
  /** The same for a branch this process has reserved or applied itself. */
  finish(request: DriveRequest, how: Finish, context: Context): Promise<DriveReply | undefined>;
  /** Tells what the `R` row keeps that this process has just committed. */
  remember(request: DriveRequest, kept: KeptBranch, kind: Forward): void;
}

type Finish = "confirm" | "cancel" | "undo";
type Forward = "reserve" | "apply";

/** How what is begun so is finished. */
const finishes = { reserve: ["confirm", "cancel"], apply: ["undo"] } as const;

/** What the `R` row says of what is finished so. */
const reserved = { confirm: "reserve", cancel: "reserve", undo: "apply" } as const satisfies Record<Finish, FenceKind>;

export function oneTrip({ operations, database }: Performer, { plan, send }: Stated): OneTrip {
  const known = remembering<KeptBranch>();
  const turn = inTurn();

  function remember(request: DriveRequest, kept: KeptBranch, kind: Forward): void {
    if (finishes[kind].some((how) => plan(kept.steps, how))) known.keep(keyOf(request), kept);
  }

  async function forward(request: DriveRequest, kind: Forward, kept: KeptBranch, context: Context, rows?: OutboxRows) {
    const planned = plan(kept.steps, kind);
    if (!planned) return undefined;
    const entry = entryOf(request, "R", kind, encodeKept(kept));
    const outbox = rows && rows.branches.length > 0 ? rows : undefined;
    const build: Build = (tag, business) => doAndEnter(tag, { business, outbox }, entry);
    const branch = { gid: request.gid, kept, planned, context };
    if (!(await orNothing(send(database.orm, branch, build)))) return undefined;
    remember(request, kept, kind);
    return done(kept.results);
  }

  async function finish(request: DriveRequest, how: Finish, kept: KeptBranch, context: Context) {
    const planned = plan(kept.steps, how);
    if (!planned) return undefined;
    const entry = entryOf(request, "F", how === "confirm" ? "confirm" : "cancel");
    const build: Build = (tag, business) =>
      business ? finishAndEnter(tag, business, entry, reserved[how]) : finishAlone(tag, entry, reserved[how]);
    const branch = { gid: request.gid, kept, planned, context };
    const written = await orNothing(send(database.orm, branch, build));
    return written ? done(how === "confirm" ? kept.results : []) : undefined;
  }

  return {
    remember,

    async forward(request, kind, context, outbox) {
      const kept = foretold(request, operations);
      return kept && turn(keyOf(request), () => forward(request, kind, kept, context, outbox));
    },

    finish: (request, how, context) =>
      turn(keyOf(request), async () => {
        const kept = known.take(keyOf(request));
        return kept && finish(request, how, kept, context);
      }),
  };
}
