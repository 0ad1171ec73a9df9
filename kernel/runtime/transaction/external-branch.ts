import type { Context } from "../../call/context.ts";
import { StatusError } from "../../call/status.ts";
import { codecOf } from "../../contract/codec/codec.ts";
import type { DriveReply, DriveRequest } from "../../contract/transaction/participant.ts";
import type { ExternalOperation, Performer } from "../../spi/perform.ts";
import { branchContext } from "./branch-context.ts";
import { type Ended, externalFence, type TakenBack } from "./external-fence.ts";
import { type BranchId, keyOf } from "./fence-many.ts";
import { answer, decodeKept, done, type KeptBranch, keptOf, refusalOf, rejected } from "./kept.ts";
import { guarded, type LocalBranches, repeated } from "./local-branch.ts";

/**
 * Drives operations on something outside the database. The fence cannot share their transaction: an intent is written
 * first, then it is done under an idempotency key, then the result is kept. Who finds an intent asks how it ended.
 */
export interface ExternalBranches {
  forward(request: DriveRequest, kind: "reserve" | "apply", context: Context): Promise<DriveReply>;
  confirm(request: DriveRequest, context: Context): Promise<DriveReply>;
  /** Done also where nothing is known of it outside: what comes of it later is given back by a sweep. */
  back(request: DriveRequest, context: Context): Promise<DriveReply>;
  /** Finds out whether it was done as a whole, and takes it back if it was not. Rejects while nobody outside says so. */
  settle(request: DriveRequest, context: Context): Promise<DriveReply>;
  peek(request: DriveRequest): Promise<DriveReply>;
}

/** Functions that are called under keys of their own: to take back what was confirmed is another call than to give back a reservation. */
const sides = { reserve: "R", finish: "F", confirmAtOnce: "C", undo: "U" } as const;

export function externalBranches(
  { operations, database, perform }: Performer,
  { peek }: Pick<LocalBranches, "peek">,
): ExternalBranches {
  const fence = externalFence(database);
  const underWay = new Set<{ readonly key: string; readonly context: Context }>();

  function parts({ gid, branch }: BranchId, { steps: [step] }: Pick<KeptBranch, "steps">, context: Context) {
    const operation = step && operations.operations[step.operation];
    if (!step || !operation)
      throw new StatusError("UNIMPLEMENTED", `${operations.name} has no operation "${step?.operation ?? ""}"`, {
        reason: "NO_SUCH_OPERATION",
      });
    const about = { gid, step: step.step, rejects: operation.facts.rejects };
    return {
      step,
      operation,
      own: perform[step.operation] as ExternalOperation,
      input: codecOf(operation.input).decode(step.input),
      output: codecOf(operation.output),
      call: (side: keyof typeof sides) =>
        branchContext(context, { ...about, key: `${gid}:${branch}:${sides[side]}` }) as never,
    };
  }

  /** Does what the intent says, or finds out that it was done. */
  async function carryOut(request: DriveRequest, kind: "reserve" | "apply", repetition: boolean, context: Context) {
    const { step, operation, own, input, output: codec, call } = parts(request, request, context);
    const known = repetition ? await own.query(input, call("reserve")) : undefined;
    let output: unknown;
    try {
      output = known && "output" in known ? known.output : await own.reserve(input, call("reserve"));
    } catch (error) {
      const refusal = refusalOf(step.step, operation, error);
      if (!refusal) throw error;
      return { kind: "rejected", kept: keptOf(request, [], refusal) } as const;
    }
    if (kind === "apply" && known?.state !== "confirmed") {
      if (await fence.isTakenBack(request)) throw new StatusError("ABORTED", "it was taken back meanwhile");
      await own.confirm(input, output, call("confirmAtOnce"));
    }
    return { kind, kept: keptOf(request, [{ step: step.step, output: codec.encode(output) }]) };
  }

  async function whileUnderWay<T>(branch: BranchId, context: Context, work: () => Promise<T>): Promise<T> {
    const one = { key: keyOf(branch), context };
    underWay.add(one);
    try {
      return await work();
    } finally {
      underWay.delete(one);
    }
  }

  /** Gives back what is outside, and tells whether it is settled: what is not known there may still come. */
  async function giveBack(branch: BranchId, kept: KeptBranch, context: Context): Promise<boolean> {
    const { operation, own, input, call } = parts(branch, kept, context);
    const known = await own.query(input, call("reserve"));
    if (known.state === "none") return fence.settle(branch, "unless it may still come");
    if (known.state === "reserved") await own.cancel(input, known.output, call("finish"));
    if (known.state === "confirmed") {
      if (!own.undo)
        throw new StatusError("UNIMPLEMENTED", `${operations.name}/${operation.name} has no undo`, {
          reason: "NO_UNDO",
        });
      await own.undo(input, known.output, call("undo"));
    }
    return fence.settle(branch);
  }

  /** After a call that was taken back while it was under way: whatever it has done is given back, or found by a sweep. */
  async function giveBackLate(request: DriveRequest, context: Context): Promise<DriveReply> {
    const taken = await fence.takeBack(request, "late");
    if (isOpen(taken)) await giveBack(request, decodeKept(taken.kept), context).catch(() => undefined);
    return tooLate();
  }

  async function back(request: DriveRequest, context: Context): Promise<DriveReply> {
    const taken = await fence.takeBack(request);
    if (taken === "confirmed")
      return answer("heuristic", `${request.branch} was to be taken back and had been confirmed`);
    if (!isOpen(taken) || (await giveBack(request, decodeKept(taken.kept), context))) return done();
    return done([], "nothing is known of it outside, which is asked again");
  }

  return {
    peek,

    forward: (request, kind, context) =>
      guarded(async () => {
        const there = await fence.intend(request);
        if (there && there.kind !== "intent") return repeated(there);
        if (await fence.isTakenBack(request)) return tooLate();
        let ended: Ended;
        try {
          ended = await whileUnderWay(request, context, () => carryOut(request, kind, there !== undefined, context));
        } catch (error) {
          if (await fence.isTakenBack(request)) return giveBackLate(request, context);
          throw error;
        }
        const other = await fence.end(request, ended);
        if (!other) return replyOf(ended);
        const isUnknown = other.kind === "rejected" && ended.kind !== "rejected";
        return other.finished === "cancel" || isUnknown ? giveBackLate(request, context) : repeated(other);
      }),

    confirm: (request, context) =>
      guarded(async () => {
        const { branch } = request;
        const begun = await fence.begun(request);
        if (begun?.kind !== "reserve") return answer("heuristic", `${branch} was to be confirmed and is not reserved`);
        const there = await fence.confirm(request);
        if (there && there.kind !== "confirm")
          return answer("heuristic", `${branch} was to be confirmed and had been cancelled`);
        const kept = decodeKept(begun.kept);
        const { own, input, output, call } = parts(request, kept, context);
        // The row says only that it has begun: repeated until it succeeds, under a key the other side knows repetitions by.
        await own.confirm(input, output.decode(kept.results[0]?.output ?? new Uint8Array()), call("finish"));
        return done(kept.results);
      }),

    back: (request, context) => guarded(() => back(request, context)),

    settle: (request, context) =>
      guarded(async () => {
        const there = await fence.bar(request);
        if (!there) return answer("refused", "it never came, and will not");
        if (there.kind !== "intent") return repeated(there);
        if (there.finished) return tooLate();
        const key = keyOf(request);
        if ([...underWay].some((one) => one.key === key && !one.context.cancelled))
          return answer("ongoing", "it is being done");
        const kept = decodeKept(there.kept);
        const { step, own, input, output, call } = parts(request, kept, context);
        const known = await own.query(input, call("reserve"));
        if (known.state !== "confirmed") {
          const reply = await back(request, context);
          return reply.outcome === "done" ? answer("refused", "it was not done, and will not be") : reply;
        }
        const results = [{ step: step.step, output: output.encode(known.output) }];
        const other = await fence.end(request, { kind: "apply", kept: { ...kept, results } });
        if (!other) return done(results);
        return other.kind === "intent" ? tooLate() : repeated(other);
      }),
  };
}

function isOpen(taken: TakenBack): taken is Exclude<TakenBack, string> {
  return typeof taken !== "string";
}

function replyOf({ kept: { refusal, results } }: Ended): DriveReply {
  return refusal ? rejected(refusal) : done(results);
}

function tooLate(): DriveReply {
  return answer("refused", "it was taken back before it came");
}
