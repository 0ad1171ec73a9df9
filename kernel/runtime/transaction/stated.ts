import type { SQL, SQLWrapper } from "drizzle-orm";
import type { PendingQuery, Row } from "postgres";
import type { Context } from "../../call/context.ts";
import { codecOf } from "../../contract/codec/codec.ts";
import type { OperationType } from "../../contract/transaction/operation.ts";
import { alone } from "../../postgres/prepare-frequent.ts";
import { asStatement, isOfDrizzle, type Statement, statementsOf, type Write } from "../../spi/one-statement.ts";
import type { LocalOperation, Performer, TransactionHandle } from "../../spi/perform.ts";
import type { Orm } from "../../spi/store.ts";
import { branchContext } from "./branch-context.ts";
import { isLost, isOngoing, sqlState } from "./fence.ts";
import { forBuilding } from "./for-building.ts";
import { sqlOf } from "./in-transaction.ts";
import type { KeptBranch, KeptStep } from "./kept.ts";
import type { Tag } from "./outbox.ts";

/** Tells which statement a branch consists of without running it, and sends that as a part of another. */
export interface Stated {
  /** The one statement of all steps, or none; nothing where they are more, or where that is not known. */
  plan(steps: readonly KeptStep[], kind: FunctionName): readonly Planned[] | undefined;
  /** Sends what `build` makes of it. Gives whether a row came back. */
  send(orm: Orm, branch: StatedBranch, build: Build): Promise<boolean>;
}

export interface StatedBranch {
  readonly gid: string;
  readonly kept: KeptBranch;
  readonly planned: readonly Planned[];
  readonly context: Context;
}

/** The statement of a step, and what it is built from. */
interface Planned {
  readonly write: Write;
  readonly step: KeptStep;
}

/** Makes one statement of the business, which may be none, and of what goes with it. */
export type Build = <T>(tag: Tag<T>, business: unknown) => T;

/** A query of postgres.js 3.4 with what is not in its types. */
interface Query extends PendingQuery<Row[]> {
  readonly options: { onexecute?: () => boolean };
}

type FunctionName = "check" | "reserve" | "apply" | "confirm" | "cancel" | "undo";

/** SQLSTATE of a statement that returns nothing, or consists of several: it cannot be part of another. */
const notOne = "0A000";

/** Throws a TypeError where a statement, or nothing, stands for an operation that has to answer. */
export function stated(performer: Performer): Stated {
  checkAnswers(performer);
  const { operations, database, perform } = performer;
  const unfit = new WeakSet<Write>();
  let building: TransactionHandle | undefined;

  async function byHand(orm: Orm, business: Statement | undefined, build: Build): Promise<readonly unknown[]> {
    const query = build(sqlOf(orm) as unknown as Tag<Query>, business);
    if (orm === database.orm) query.options.onexecute = alone; // it may wait for a lock
    return query;
  }

  function statement({ write, step }: Planned, { gid, kept, context }: StatedBranch): Statement {
    const { input, output, facts } = operations.operations[step.operation] as OperationType;
    const answered = kept.results.find((one) => one.step === step.step)?.output ?? new Uint8Array();
    const call = branchContext(context, { gid, step: step.step, key: "", rejects: facts.rejects });
    building ??= forBuilding(database.orm);
    return asStatement(
      write(building, codecOf(input).decode(step.input), codecOf(output).decode(answered), call as never),
      call,
    );
  }

  return {
    plan(steps, kind) {
      const planned: Planned[] = [];
      for (const step of steps) {
        const own = perform[step.operation] as LocalOperation | undefined;
        const writes = own && writesOf(own, kind);
        if (!writes || writes.some((write) => unfit.has(write))) return undefined;
        planned.push(...writes.map((write) => ({ write, step })));
      }
      return planned.length > 1 ? undefined : planned;
    },

    async send(orm, branch, build) {
      const [one] = branch.planned;
      try {
        const business = one && statement(one, branch);
        const rows = await (business && isOfDrizzle(business)
          ? byDrizzle(orm, business, build)
          : byHand(orm, business, build));
        return rows.length > 0;
      } catch (error) {
        if (one && sqlState(error) === notOne) unfit.add(one.write);
        throw error;
      }
    },
  };
}

/**
 * Gives nothing where it failed and thereby changed nothing: a row of the fence is there, or missing, or the business fails,
 * perhaps for that reason. A transaction will tell. Rejects where that would be no better.
 */
export async function orNothing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isLost(error) || isOngoing(error)) throw error;
    return undefined;
  }
}

/**
 * Lets nobody else at a branch meanwhile; who comes second gets nothing when the first is done. A statement locks the rows of
 * the business before that of the fence, a transaction after it: side by side each could have what the other waits for.
 * In another process PostgreSQL ends one of them.
 */
export function inTurn(): <T>(key: string, work: () => Promise<T>) => Promise<T | undefined> {
  const underWay = new Map<string, Promise<void>>();
  return async (key, work) => {
    const before = underWay.get(key);
    if (before) return before.then(() => undefined);
    const working = work();
    underWay.set(key, working.then(ignore, ignore));
    try {
      return await working;
    } finally {
      underWay.delete(key);
    }
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
  const work = own[kind] ?? (kind === "check" ? own.reserve : undefined);
  if (work) return statementsOf(work);
  if (kind !== "apply") return undefined;
  const [reserve, confirm] = [statementsOf(own.reserve), statementsOf(own.confirm)];
  return reserve && confirm && [...reserve, ...confirm];
}

async function byDrizzle(orm: Orm, business: SQLWrapper, build: Build): Promise<readonly unknown[]> {
  const { sql } = await import("drizzle-orm");
  return orm.execute(build<SQL>(sql, business.getSQL()));
}

function ignore(): void {}
