import type { Context } from "../../call/context.ts";
import { StatusError } from "../../call/status.ts";
import { codecOf } from "../../contract/codec/codec.ts";
import type { DriveReply, DriveRequest } from "../../contract/transaction/participant.ts";
import type { ExternalOperation, Performer } from "../../spi/perform.ts";
import { branchContext } from "./branch-context.ts";
import { enter, entryOf, type FenceKind, type FenceSlot, keep, readCommitted, type StoredEntry } from "./fence.ts";
import { inFencedTransaction, inTransaction } from "./in-transaction.ts";
import { answer, decodeKept, done, encodeKept, type KeptBranch, keptOf, refusalOf, rejected } from "./kept.ts";

/**
 * Drives operations on something outside the database. The fence cannot share their transaction: an intent is written
 * first, then it is done under an idempotency key, then the result is kept. Who finds an intent asks how it ended.
 */
export interface ExternalBranches {
  forward(request: DriveRequest, kind: "reserve" | "apply", context: Context): Promise<DriveReply>;
  confirm(request: DriveRequest, context: Context): Promise<DriveReply>;
  back(request: DriveRequest, context: Context): Promise<DriveReply>;
}

export function externalBranches({ operations, database, perform }: Performer): ExternalBranches {
  /** Writes a fence row, and with it what was asked. */
  const write = (request: DriveRequest, slot: FenceSlot, kind: FenceKind, kept?: KeptBranch) =>
    inFencedTransaction(database, ({ sql }) => enter(sql, entryOf(request, slot, kind, kept && encodeKept(kept))));

  const rewrite = ({ gid, branch }: DriveRequest, kept: KeptBranch, kind: FenceKind) =>
    inTransaction(database, ({ sql }) => keep(sql, gid, branch, encodeKept(kept), kind));

  function parts(gid: string, branch: string, kept: Pick<KeptBranch, "steps">, side: string, context: Context) {
    const [step] = kept.steps;
    const operation = step && operations.operations[step.operation];
    if (!step || !operation)
      throw new StatusError("UNIMPLEMENTED", `${operations.name} has no operation "${step?.operation ?? ""}"`, {
        reason: "NO_SUCH_OPERATION",
      });
    const about = { gid, step: step.step, key: `${gid}:${branch}:${side}`, rejects: operation.facts.rejects };
    return {
      step,
      operation,
      own: perform[step.operation] as ExternalOperation,
      input: codecOf(operation.input).decode(step.input),
      call: branchContext(context, about),
    };
  }

  /** Does what the intent says, or finds out that it was done. */
  async function carryOut(request: DriveRequest, kind: "reserve" | "apply", repetition: boolean, context: Context) {
    const { gid, branch, steps } = request;
    const { step, operation, own, input, call } = parts(gid, branch, { steps }, "R", context);
    try {
      const known = repetition ? await own.query(input, call as never) : undefined;
      const output = known && "output" in known ? known.output : await own.reserve(input, call);
      if (kind === "apply" && known?.state !== "confirmed") await own.confirm(input, output, call as never);
      const results = [{ step: step.step, output: codecOf(operation.output).encode(output) }];
      await rewrite(request, keptOf(request, results), kind);
      return done(results);
    } catch (error) {
      const refusal = refusalOf(step.step, operation, error);
      if (!refusal) throw error;
      await rewrite(request, { steps, results: [], refusal }, "rejected");
      return rejected(refusal);
    }
  }

  /** Takes back what is known, or what an intent may have done. */
  async function giveBack(request: DriveRequest, begun: StoredEntry, context: Context): Promise<void> {
    const { gid, branch } = request;
    const kept = decodeKept(begun.kept);
    const { operation, own, input, call } = parts(gid, branch, kept, "F", context);
    const reserving = parts(gid, branch, kept, "R", context).call;
    const known = await own.query(input, reserving as never);
    if (known.state === "none" || known.state === "cancelled" || known.state === "undone") return;
    const { output } = known as Extract<typeof known, { output: unknown }>;
    if (known.state === "reserved") return own.cancel(input, output, call as never);
    if (!own.undo)
      throw new StatusError("UNIMPLEMENTED", `${operations.name}/${operation.name} has no undo`, { reason: "NO_UNDO" });
    return (own.undo as (...given: unknown[]) => Promise<void>)(input, output, call);
  }

  return {
    async forward(request, kind, context) {
      const there = await write(request, "R", "intent", keptOf(request, []));
      if (there && there.kind !== "intent") return repeatedExternal(there);
      if (await finished(request)) return tooLate();
      const reply = await carryOut(request, kind, there !== undefined, context);
      if (reply.outcome !== "done" || (await finished(request)) !== "cancel") return reply;
      const { steps } = request;
      await giveBack(request, { kind, kept: encodeKept({ steps, results: [] }) }, context); // it was taken back meanwhile
      return tooLate();
    },

    async confirm(request, context) {
      const { gid, branch } = request;
      const begun = await readCommitted(database.sql, gid, branch, "R");
      if (begun?.kind !== "reserve") return answer("heuristic", `${branch} was to be confirmed and is not reserved`);
      const there = await write(request, "F", "confirm");
      if (there && there.kind !== "confirm")
        return answer("heuristic", `${branch} was to be confirmed and had been cancelled`);
      const kept = decodeKept(begun.kept);
      const { operation, own, input, call } = parts(gid, branch, kept, "F", context);
      const output = codecOf(operation.output).decode(kept.results[0]?.output ?? new Uint8Array());
      // The row says only that it has begun: repeated until it succeeds, under a key the other side knows repetitions by.
      await own.confirm(input, output, call as never);
      return done(kept.results);
    },

    async back(request, context) {
      const { branch } = request;
      const there = await write(request, "F", "cancel");
      if (there?.kind === "confirm")
        return answer("heuristic", `${branch} was to be taken back and had been confirmed`);
      const begun = await write(request, "R", "tombstone");
      // Repeated until it succeeds: the row says only that taking back has begun, and the other side knows repetitions.
      if (begun?.kind === "reserve" || begun?.kind === "apply" || begun?.kind === "intent") {
        await giveBack(request, begun, context);
      }
      return done();
    },
  };

  async function finished({ gid, branch }: DriveRequest): Promise<FenceKind | undefined> {
    return (await readCommitted(database.sql, gid, branch, "F"))?.kind;
  }
}

function tooLate(): DriveReply {
  return answer("refused", "it was taken back before it came");
}

function repeatedExternal({ kind, kept }: StoredEntry): DriveReply {
  const { results, refusal } = decodeKept(kept);
  if (kind === "tombstone") return tooLate();
  return refusal ? rejected(refusal) : done(results);
}
