import type { SQL } from "drizzle-orm";
import type { PendingQuery, Row } from "postgres";
import type { Context } from "../../call/context.ts";
import { codecOf } from "../../contract/codec/codec.ts";
import type { OperationType } from "../../contract/transaction/operation.ts";
import type { DriveReply, DriveRequest } from "../../contract/transaction/participant.ts";
import { alone } from "../../postgres/prepare-frequent.ts";
import { asStatement, isOfDrizzle, type Statement, statementsOf, type Write } from "../../spi/one-statement.ts";
import type { LocalOperation, Performer, TransactionHandle } from "../../spi/perform.ts";
import type { Orm } from "../../spi/store.ts";
import { branchContext } from "./branch-context.ts";
import { entryOf, type FenceKind, isLost, isOngoing, sqlState } from "./fence.ts";
import { keyOf } from "./fence-many.ts";
import { doAndEnter, finishAlone, finishAndEnter } from "./fence-statement.ts";
import { forBuilding } from "./for-building.ts";
import { clientOf } from "./in-transaction.ts";
import { done, encodeKept, foretold, type KeptBranch, type KeptStep } from "./kept.ts";
import type { OutboxRows, Tag } from "./outbox.ts";

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
type FunctionName = Finish | Forward;

/** The statement of a branch, and what it is built from; without one the branch does nothing. */
interface Planned {
  readonly write: Write;
  readonly step: KeptStep;
}

/** Puts a statement and a row of the fence into one. */
type Build = <T>(tag: Tag<T>, business: unknown) => T;

/** Branches whose `R` row is remembered, at most; for others it is read. */
const maxRemembered = 10_000;

/** SQLSTATE of a statement that returns nothing, or consists of several: it cannot be part of another. */
const notOne = "0A000";

/** How what is begun so is finished. */
const finishes = { reserve: ["confirm", "cancel"], apply: ["undo"] } as const;

/** What the `R` row says of what is finished so. */
const reserved = { confirm: "reserve", cancel: "reserve", undo: "apply" } as const satisfies Record<Finish, FenceKind>;

export function oneTrip(performer: Performer): OneTrip {
  checkAnswers(performer);
  const { operations, database, perform } = performer;
  const remembered = new Map<string, KeptBranch>();
  const underWay = new Map<string, Promise<void>>();
  const unfit = new WeakSet<Write>();
  let building: TransactionHandle | undefined;

  /** The one statement of all steps, or none; nothing where they are more, or where that is not known. */
  function plan(steps: readonly KeptStep[], kind: FunctionName): readonly Planned[] | undefined {
    const planned: Planned[] = [];
    for (const step of steps) {
      const own = perform[step.operation] as LocalOperation | undefined;
      const writes = own && writesOf(own, kind);
      if (!writes || writes.some((write) => unfit.has(write))) return undefined;
      planned.push(...writes.map((write) => ({ write, step })));
    }
    return planned.length > 1 ? undefined : planned;
  }

  function statement({ write, step }: Planned, gid: string, { results }: KeptBranch, context: Context): Statement {
    const { input, output, facts } = operations.operations[step.operation] as OperationType;
    const answered = results.find((one) => one.step === step.step)?.output ?? new Uint8Array();
    const call = branchContext(context, { gid, step: step.step, key: "", rejects: facts.rejects });
    building ??= forBuilding(database.orm);
    return asStatement(
      write(building, codecOf(input).decode(step.input), codecOf(output).decode(answered), call as never),
      call,
    );
  }

  function remember(request: DriveRequest, kept: KeptBranch, kind: Forward): void {
    if (!finishes[kind].some((how) => plan(kept.steps, how))) return;
    if (remembered.size >= maxRemembered) remembered.delete(remembered.keys().next().value ?? "");
    remembered.set(keyOf(request), kept);
  }

  /** Sends the statement of a branch with its row of the fence. Gives whether both were written; else neither was. */
  async function write(
    request: DriveRequest,
    kept: KeptBranch,
    [one]: readonly Planned[],
    context: Context,
    build: Build,
  ): Promise<boolean> {
    try {
      const business = one && statement(one, request.gid, kept, context);
      return await send(database.orm, business, build);
    } catch (error) {
      if (isLost(error) || isOngoing(error)) throw error;
      // A row of the fence is there, or missing, or the business fails, perhaps for that reason: a transaction will tell.
      if (one && sqlState(error) === notOne) unfit.add(one.write);
      return false;
    }
  }

  /**
   * Lets nobody else at a branch meanwhile. A statement locks the rows of the business before that of the fence, a transaction
   * after it: side by side each could have what the other waits for. In another process PostgreSQL ends one of them.
   */
  async function inTurn(key: string, work: () => Promise<DriveReply | undefined>): Promise<DriveReply | undefined> {
    const before = underWay.get(key);
    if (before) return before.then(() => undefined);
    const working = work();
    const settled = working.then(ignore, ignore);
    underWay.set(key, settled);
    try {
      return await working;
    } finally {
      underWay.delete(key);
    }
  }

  async function forward(request: DriveRequest, kind: Forward, kept: KeptBranch, context: Context, rows?: OutboxRows) {
    const planned = plan(kept.steps, kind);
    if (!planned) return undefined;
    const entry = entryOf(request, "R", kind, encodeKept(kept));
    const outbox = rows && rows.branches.length > 0 ? rows : undefined;
    const build: Build = (tag, business) => doAndEnter(tag, { business, outbox }, entry);
    if (!(await write(request, kept, planned, context, build))) return undefined;
    remember(request, kept, kind);
    return done(kept.results);
  }

  async function finish(request: DriveRequest, how: Finish, kept: KeptBranch, context: Context) {
    const planned = plan(kept.steps, how);
    if (!planned) return undefined;
    const entry = entryOf(request, "F", how === "confirm" ? "confirm" : "cancel");
    const build: Build = (tag, business) =>
      business ? finishAndEnter(tag, business, entry, reserved[how]) : finishAlone(tag, entry, reserved[how]);
    const written = await write(request, kept, planned, context, build);
    return written ? done(how === "confirm" ? kept.results : []) : undefined;
  }

  return {
    remember,

    async forward(request, kind, context, outbox) {
      const kept = foretold(request, operations);
      return kept && inTurn(keyOf(request), () => forward(request, kind, kept, context, outbox));
    },

    finish: (request, how, context) =>
      inTurn(keyOf(request), async () => {
        const kept = remembered.get(keyOf(request));
        remembered.delete(keyOf(request));
        return kept && finish(request, how, kept, context);
      }),
  };
}

/** Throws a TypeError for a statement, or nothing, where an operation has to answer. */
function checkAnswers({ operations, perform }: Performer): void {
  for (const { name, output } of Object.values(operations.operations)) {
    const own = perform[name] as Partial<LocalOperation> | undefined;
    const kind = (["reserve", "apply"] as const).find((one) => own?.[one] && statementsOf(own[one]));
    if (kind && output.fields.length > 0)
      throw new TypeError(
        `${operations.name}/${name} answers ${output.name}, but its ${kind} is a statement or nothing, which answer nothing. Write a function`,
      );
  }
}

/** The statements a function consists of, or those it is made of that is not there. */
function writesOf(own: LocalOperation, kind: FunctionName): readonly Write[] | undefined {
  const work = own[kind];
  if (work) return statementsOf(work);
  if (kind !== "apply") return undefined;
  const [reserve, confirm] = [statementsOf(own.reserve), statementsOf(own.confirm)];
  return reserve && confirm && [...reserve, ...confirm];
}

/** Gives whether it wrote a row. */
async function send(orm: Orm, business: Statement | undefined, build: Build): Promise<boolean> {
  if (business && isOfDrizzle(business)) {
    const { sql } = await import("drizzle-orm");
    const rows = await orm.execute(build<SQL>(sql, business.getSQL()));
    return rows.length > 0;
  }
  const tag = clientOf(orm) as unknown as Tag<PendingQuery<Row[]>>;
  const rows = await withoutOthers(build(tag, business));
  return rows.length > 0;
}

/** It may wait for a lock. */
function withoutOthers<T extends PendingQuery<Row[]>>(query: T): T {
  (query as unknown as { readonly options: { onexecute?: () => boolean } }).options.onexecute = alone;
  return query;
}

function ignore(): void {}
