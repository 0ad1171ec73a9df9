import type { Context } from "../../call/context.ts";
import { StatusError } from "../../call/status.ts";
import { codecOf } from "../../contract/codec/codec.ts";
import type { OperationType } from "../../contract/transaction/operation.ts";
import type { DriveReply, DriveRequest } from "../../contract/transaction/participant.ts";
import type { LocalOperation, Performer, TransactionHandle } from "../../spi/perform.ts";
import { branchContext } from "./branch-context.ts";
import { enter, enterAndRead, entryOf, isOngoing, keep, readCommitted, type StoredEntry, whyOngoing } from "./fence.ts";
import { inFencedTransaction, inTransaction, prepareAs } from "./in-transaction.ts";
import {
  answer,
  decodeKept,
  done,
  encodeKept,
  foretold,
  type KeptBranch,
  type KeptStep,
  keptOf,
  Rejected,
  refusalOf,
  rejected,
} from "./kept.ts";
import { onePrepared } from "./one-prepared.ts";
import { oneTrip } from "./one-trip.ts";
import { type OutboxRows, writeOutbox } from "./outbox.ts";
import type { AtPlace } from "./points.ts";
import { stated } from "./stated.ts";

/** Drives the operations of one participant whose effects are all in its own database. */
export interface LocalBranches {
  check(request: DriveRequest, context: Context): Promise<DriveReply>;
  /** Reserves, or applies as a whole. */
  forward(request: DriveRequest, kind: "reserve" | "apply", context: Context, how?: ForwardHow): Promise<DriveReply>;
  confirm(request: DriveRequest, context: Context): Promise<DriveReply>;
  /** Gives back a reservation, or takes back what was applied; what has not come yet will be refused. */
  back(request: DriveRequest, context: Context): Promise<DriveReply>;
  settle(request: DriveRequest): Promise<DriveReply>;
  peek(request: DriveRequest): Promise<DriveReply>;
}

export interface ForwardHow {
  /** What is written in the same database transaction, after the business. */
  readonly along?: OutboxRows;
  /** Leaves the database transaction prepared under this name. */
  readonly prepare?: string;
}

type Sql = TransactionHandle["sql"];

/** Undoes a database transaction on purpose and hands over an answer. */
class Undone extends Error {
  readonly reply: DriveReply;

  constructor(reply: DriveReply) {
    super(reply.note);
    this.reply = reply;
  }
}

export function localBranches(performer: Performer, at: AtPlace): LocalBranches {
  const { operations, database, perform } = performer;
  const ofOne = stated(performer);
  const trip = oneTrip(performer, ofOne);
  const waiting = onePrepared(performer, ofOne, at);
  const operationOf = (name: string): OperationType => {
    const found = operations.operations[name];
    if (found) return found;
    throw new StatusError("UNIMPLEMENTED", `${operations.name} has no operation "${name}"`, {
      reason: "NO_SUCH_OPERATION",
    });
  };
  const performanceOf = (name: string) => perform[name] as LocalOperation;

  /** Runs what a step does, with its messages decoded. What it declares to reject ends all. */
  async function doStep(tx: TransactionHandle, gid: string, step: KeptStep, how: How, context: Context) {
    const operation = operationOf(step.operation);
    const input = codecOf(operation.input).decode(step.input);
    const call = branchContext(context, { gid, step: step.step, key: "", rejects: operation.facts.rejects });
    const own = performanceOf(step.operation);
    try {
      if (how === "check" && own.check) return await own.check(tx, input, call);
      if (how === "apply" && own.apply) return await own.apply(tx, input, call);
      const output = await own.reserve(tx, input, call);
      if (how === "apply") await own.confirm(tx, input, output, call as never); // it rejects no more
      return output;
    } catch (error) {
      const refusal = refusalOf(step.step, operation, error);
      throw refusal ? new Rejected(refusal) : error;
    }
  }

  async function doSteps(tx: TransactionHandle, { gid, steps }: DriveRequest, how: How, context: Context) {
    const results: { step: string; output: Uint8Array }[] = [];
    for (const step of steps) {
      const output = await doStep(tx, gid, step, how, context);
      if (how === "check") continue;
      results.push({ step: step.step, output: codecOf(operationOf(step.operation).output).encode(output) });
    }
    return results;
  }

  /** Finishes, or takes back, what a fence row remembers. */
  async function finishSteps(tx: TransactionHandle, gid: string, kept: KeptBranch, how: Finish, context: Context) {
    const steps = how === "confirm" ? kept.steps : kept.steps.toReversed();
    for (const step of steps) {
      const operation = operationOf(step.operation);
      const input = codecOf(operation.input).decode(step.input);
      const bytes = kept.results.find((one) => one.step === step.step)?.output ?? new Uint8Array();
      const output = codecOf(operation.output).decode(bytes);
      const call = branchContext(context, { gid, step: step.step, key: "", rejects: [] }) as never;
      const own = performanceOf(step.operation);
      const work = own[how];
      if (!work) throw noUndo(operations.name, step.operation);
      await work.call(own, tx, input, output, call);
    }
  }

  function keepResults(sql: Sql, request: DriveRequest, results: KeptBranch["results"]): Promise<void> {
    return keep(sql, request.gid, request.branch, encodeKept(keptOf(request, results)));
  }

  /** A refusal is remembered, so that a repetition is refused too and taking it back does nothing. */
  async function remember(request: DriveRequest, { refusal }: Rejected): Promise<DriveReply> {
    const kept = encodeKept(keptOf(request, [], refusal));
    const before = await inFencedTransaction(database, ({ sql }) =>
      enter(sql, entryOf(request, "R", "rejected", kept)),
    );
    return before ? repeated(before) : rejected(refusal);
  }

  async function forwardInTransaction(
    request: DriveRequest,
    kind: "reserve" | "apply",
    context: Context,
    { along, prepare }: ForwardHow,
  ): Promise<DriveReply> {
    const reply = await inFencedTransaction(database, async (tx, last) => {
      const known = foretold(request, operations);
      const there = await enter(tx.sql, entryOf(request, "R", kind, known && encodeKept(known)));
      if (there) throw new Undone(repeated(there));
      await at(request, "entered");
      const results = await doSteps(tx, request, kind, context);
      const rest = prepare === undefined ? [] : [enter(tx.sql, entryOf(request, "F", "confirm"))];
      const keeping = known ? rest : [...rest, keepResults(tx.sql, request, results)];
      if (along || prepare !== undefined) await Promise.all(keeping);
      else last(Promise.all(keeping));
      if (along) {
        await writeOutbox(tx.sql, along);
        await at(request, "applied");
      }
      if (prepare !== undefined) {
        await at(request, "preparing");
        prepareAs(tx, prepare);
      }
      return done(results);
    });
    if (prepare === undefined) trip.remember(request, keptOf(request, reply.results), kind);
    return reply;
  }

  function confirmInTransaction(request: DriveRequest, context: Context): Promise<DriveReply> {
    return inFencedTransaction(database, async (tx) => {
      const { gid, branch } = request;
      const { there, reserved } = await enterAndRead(tx.sql, entryOf(request, "F", "confirm"));
      if (there?.kind === "confirm") return done(decodeKept(reserved?.kept ?? null).results);
      if (there) throw new Undone(answer("heuristic", `${branch} was to be confirmed and had been cancelled`));
      if (reserved?.kind !== "reserve")
        throw new Undone(answer("heuristic", `${branch} was to be confirmed and is not reserved`));
      const kept = decodeKept(reserved.kept);
      await at(request, "confirming");
      await finishSteps(tx, gid, kept, "confirm", context);
      return done(kept.results);
    });
  }

  function backInTransaction(request: DriveRequest, context: Context): Promise<DriveReply> {
    return inFencedTransaction(database, async (tx) => {
      const { gid, branch } = request;
      // One trip for both; where the first was there, so is the second, or all is undone.
      const [finished, begun] = await Promise.all([
        enter(tx.sql, entryOf(request, "F", "cancel")),
        enter(tx.sql, entryOf(request, "R", "tombstone")),
      ]);
      if (finished?.kind === "cancel") return done();
      if (finished) throw new Undone(answer("heuristic", `${branch} was to be taken back and had been confirmed`));
      await at(request, "undoing");
      if (begun?.kind === "reserve") await finishSteps(tx, gid, decodeKept(begun.kept), "cancel", context);
      else if (begun?.kind === "apply") await finishSteps(tx, gid, decodeKept(begun.kept), "undo", context);
      return done();
    });
  }

  return {
    check: (request, context) =>
      guarded(async () => {
        if (await waiting.check(request, context)) return done();
        try {
          await inTransaction(database, async (tx) => {
            await doSteps(tx, request, "check", context);
            throw new Undone(done());
          });
          return done();
        } catch (error) {
          if (!(error instanceof Rejected)) throw error;
          const there = await readCommitted(database.sql, request.gid, request.branch, "R"); // its own effect may be why
          return there ? repeated(there) : rejected(error.refusal);
        }
      }),

    forward: (request, kind, context, how = {}) =>
      guarded(async () => {
        await at(request, "arrived");
        try {
          const { along, prepare } = how;
          const reply =
            (prepare === undefined
              ? await trip.forward(request, kind, context, along)
              : await waiting.prepare(request, prepare, context)) ??
            (await forwardInTransaction(request, kind, context, how));
          await at(request, "answering");
          return reply;
        } catch (error) {
          if (error instanceof Rejected) return remember(request, error);
          throw error;
        }
      }),

    confirm: (request, context) =>
      guarded(async () => {
        const reply =
          (await trip.finish(request, "confirm", context)) ?? (await confirmInTransaction(request, context));
        await at(request, "confirmed");
        return reply;
      }),

    back: (request, context) =>
      guarded(async () => {
        const how = request.action === "undo" ? "undo" : "cancel";
        return (await trip.finish(request, how, context)) ?? (await backInTransaction(request, context));
      }),

    peek: async ({ gid, branch }) => {
      const there = await readCommitted(database.sql, gid, branch, "R");
      if (!there) return answer("refused", "it has not come");
      const waits = ["reserve", "intent"].includes(there.kind) && there.finished !== "confirm";
      return waits ? answer("refused", "it is reserved and not confirmed") : repeated(there);
    },

    settle: (request) =>
      guarded(() =>
        inFencedTransaction(database, async ({ sql }) => {
          const there = await enter(sql, entryOf(request, "R", "tombstone"));
          return there ? repeated(there) : answer("refused", "it never came, and will not");
        }),
      ),
  };
}

type How = "check" | "reserve" | "apply";
type Finish = "confirm" | "cancel" | "undo";

/** The answer to what was asked before. */
export function repeated({ kind, kept: bytes, finished }: StoredEntry): DriveReply {
  const { results, refusal, inputHash } = decodeKept(bytes);
  if (kind === "tombstone") return answer("refused", "it was taken back before it came");
  if (kind === "rejected" && refusal) return rejected(refusal, inputHash);
  if (kind === "intent") return answer("ongoing", "how it stands outside is not known here");
  if (finished === "cancel") return answer("refused", "it was taken back");
  return done(results, "", inputHash);
}

/** Somebody who holds the same locks is no failure: nothing was changed, and the same may be asked again. */
export async function guarded(work: () => Promise<DriveReply>): Promise<DriveReply> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Undone) return error.reply;
    if (isOngoing(error)) return answer("ongoing", whyOngoing(error));
    throw error;
  }
}

function noUndo(participant: string, operation: string): StatusError {
  return new StatusError("UNIMPLEMENTED", `${participant}/${operation} has no undo`, { reason: "NO_UNDO" });
}
