import { backgroundOf } from "../../call/call-context.ts";
import { asStatusError } from "../../call/outcome.ts";
import { StatusError } from "../../call/status.ts";
import type { TraceContext } from "../../call/trace.ts";
import type { DriveReply } from "../../contract/transaction/participant.ts";
import type { AnyTransaction } from "../../contract/transaction/transaction.ts";
import type {
  AbortReason,
  Decision,
  NewTransaction,
  PlannedBranch,
  TransactionNote,
  TransactionRecord,
  TransactionStatus,
} from "../../spi/coordinator.ts";
import type { Span } from "../../spi/tracer.ts";
import type { BranchAction, DrivenTransaction, Forward, SettleOrder } from "../../spi/transaction.ts";
import { waitMs } from "./backoff.ts";
import { type Branches, branchesOf, lockOrder } from "./branches.ts";
import type { TransactionNode } from "./node.ts";
import { countLeft, writeOutbox } from "./outbox.ts";
import { requestFor } from "./requests.ts";

/** What a driven transaction is about. */
export interface Subject {
  readonly gid: string;
  readonly transaction: AnyTransaction;
  readonly strategy: string;
  readonly input: Uint8Array;
  readonly fresh: boolean;
  readonly deadlineMs: number | undefined;
  readonly trace: TraceContext | undefined;
  /** Lasts as long as this process drives it. */
  readonly span?: Span | undefined;
  /** W3C traceparent; empty for none. */
  readonly traceparent: string;
  /** What the coordinator has of it; nothing where it is about to begin. */
  readonly record?: TransactionRecord | undefined;
}

/** How it ended, as far as the one who waits is concerned. */
export type Answer =
  | { readonly status: "committed" | "pending" }
  | { readonly status: "aborted"; readonly abort: AbortReason };

/** One transaction on its way in this process. */
export interface Driver extends DrivenTransaction {
  readonly transaction: AnyTransaction;
  readonly strategy: string;
  readonly outputs: ReadonlyMap<string, Uint8Array>;
  readonly answered: Promise<Answer>;
  /** Whether the coordinator knows it; one of a single branch it need not. */
  readonly recorded: boolean;
  /** Somebody else has aborted it: nothing more is taken forward. */
  readonly overrule: (abort: AbortReason) => void;
  /** What the coordinator is told at its begin. */
  readonly begins: (status: NewTransaction["status"]) => NewTransaction;
}

/** Somebody began it before; what became of that is the answer. */
export class BegunBefore extends Error {
  readonly record: TransactionRecord;

  constructor(record: TransactionRecord) {
    super(`transaction ${record.gid} was begun before`);
    this.record = record;
  }
}

/** It is left for later, and whoever is due then goes on. */
export class LeftForLater extends Error {}

type Failed = Exclude<Forward, { readonly done: true }>;

function failed(abort: AbortReason, certain = false): Failed {
  return { done: false, abort, certain };
}

/** Codes after which the same request may succeed, or may have. */
const passing = new Set(["UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED", "CANCELLED", "UNKNOWN"]);

export function drive(node: TransactionNode, subject: Subject): Driver {
  const { gid, transaction, strategy, input, record } = subject;
  const { ports, options, log } = node;
  const { clock, timers, random } = ports;
  const plan: Branches = record ? plannedIn(record) : branchesOf(transaction);
  const outputs = new Map(Object.entries(record?.outputs ?? {}));
  const done = new Set(record?.done ?? []);
  const startedAt = clock.now();
  const deadline = subject.deadlineMs === undefined ? Number.POSITIVE_INFINITY : startedAt + subject.deadlineMs;
  const answered = Promise.withResolvers<Answer>();
  let abortReason = record?.abort;
  let overruled: AbortReason | undefined;
  let recorded = record !== undefined;
  /** Outputs the coordinator has; more come about when branches settle. */
  let known = outputs.size;

  const begins = (status: NewTransaction["status"]): NewTransaction => ({
    gid,
    name: transaction.name,
    version: transaction.version,
    strategy,
    input,
    branches: [...plan.main, ...plan.later],
    status,
    outputs: Object.fromEntries(outputs),
    deadlineMs: subject.deadlineMs,
    trace: subject.traceparent,
  });

  function contextFor(trace: TraceContext | undefined) {
    return backgroundOf(ports).with({ timeoutMs: options.driveTimeoutMs, ...(trace && { trace }) });
  }

  async function spanned<T>(
    name: string,
    attributes: Record<string, string>,
    work: (trace?: TraceContext) => Promise<T>,
  ) {
    const span = node.tracer()?.start({
      name,
      kind: "internal",
      service: subject.trace?.service ?? transaction.name,
      parent: subject.trace,
      attributes: { "mortise.transaction.gid": gid, "mortise.transaction.strategy": strategy, ...attributes },
    });
    try {
      const value = await work(span?.context ?? subject.trace);
      span?.end("OK");
      return value;
    } catch (error) {
      const { code, message } = asStatusError(error);
      span?.end(code, message);
      throw error;
    }
  }

  function keepOutputs({ results }: DriveReply): void {
    for (const { step, output } of results) outputs.set(step, output);
  }

  async function ask(branch: PlannedBranch, action: BranchAction): Promise<DriveReply> {
    const request = requestFor({ gid, strategy, transaction, input, outputs }, branch, action);
    const steps = branch.steps.map(({ step }) => step).join("+");
    const reply = await spanned(
      `${action} ${steps}`,
      { "mortise.transaction.branch": branch.id, "mortise.transaction.participant": branch.participant },
      (trace) => node.ask(branch.participant, request, contextFor(trace)),
    );
    keepOutputs(reply);
    return reply;
  }

  const pause = (attempt: number, atMostMs = Number.POSITIVE_INFINITY) =>
    timers.sleep(Math.min(waitMs(attempt, options, random), Math.max(0, atMostMs)));

  /** One branch forward; nothing when it is done, or why it will not go. */
  async function forwardOne(
    branch: PlannedBranch,
    action: BranchAction,
    asking: string | undefined,
    given: () => boolean,
  ): Promise<Failed | undefined> {
    for (let attempt = 0; ; attempt++) {
      if (given()) return undefined;
      if (overruled) return failed(overruled);
      if (clock.now() >= deadline)
        return failed(reasonOf("DEADLINE", "it took longer than its deadline allows", branch));
      let failure = "";
      try {
        if (asking !== undefined) await node.at(asking);
        const reply = await ask(branch, action);
        if (reply.outcome === "done") return undefined;
        if (reply.outcome === "rejected") return failed(refusalIn(reply, branch), true);
        if (reply.outcome === "refused") return failed(reasonOf("INTERRUPTED", reply.note, branch), true);
        if (reply.outcome === "heuristic") return failed(reasonOf("HEURISTIC", reply.note, branch));
        failure = reply.note;
      } catch (error) {
        const { code, reason, message } = asStatusError(error);
        if (!passing.has(code)) return failed(reasonOf(reason ?? code, message, branch));
        failure = message;
      }
      if (deadline === Number.POSITIVE_INFINITY && attempt + 1 >= options.attempts) throw await leave(failure);
      await pause(attempt, deadline - clock.now());
    }
  }

  async function forward(branches: readonly PlannedBranch[], action: BranchAction, asking?: string): Promise<Forward> {
    let first: Failed | undefined;
    const stopped = Promise.withResolvers<void>();
    const running = new Map<string, Promise<void>>();
    // What is prepared keeps its locks: taken in one order by all, no two wait for each other over two databases.
    const inLine = action === "prepare";
    for (const branch of inLine ? lockOrder(branches) : branches) {
      const before = inLine ? [...running.values()] : branch.after.flatMap((id) => running.get(id) ?? []);
      const one = Promise.all(before).then(async () => {
        const why = first ? undefined : await forwardOne(branch, action, asking, () => first !== undefined);
        if (!why) return;
        first ??= why;
        stopped.resolve();
      });
      running.set(branch.id, one);
    }
    const all = Promise.all(running.values());
    all.catch(() => undefined); // told below, unless the transaction has failed before
    await Promise.race([all, stopped.promise]);
    return first ?? { done: true };
  }

  async function settleOne(branch: PlannedBranch, action: BranchAction, asking: string | undefined): Promise<void> {
    if (done.has(branch.id)) return;
    for (let attempt = 0; ; attempt++) {
      let failure = "";
      try {
        if (asking !== undefined) await node.at(asking);
        const reply = await ask(branch, action);
        if (reply.outcome === "heuristic") await heuristic(branch, reply.note);
        if (reply.outcome === "done" || reply.outcome === "heuristic") return void done.add(branch.id);
        failure = reply.refusal ? `${branch.participant} refuses: ${reply.refusal.reason}` : reply.note;
      } catch (error) {
        failure = `${branch.participant}: ${asStatusError(error).message}`;
      }
      if (attempt + 1 >= options.attempts) throw await leave(failure);
      await pause(attempt);
    }
  }

  async function settle(
    branches: readonly PlannedBranch[],
    action: BranchAction,
    order: SettleOrder,
    asking?: string,
  ): Promise<void> {
    const running = new Map<string, Promise<void>>();
    const sequence = order === "reverse" ? branches.toReversed() : branches;
    for (const branch of sequence) {
      const before =
        order === "along"
          ? branch.after
          : order === "reverse"
            ? branches.filter(({ after }) => after.includes(branch.id)).map(({ id }) => id)
            : [];
      const one = Promise.all(before.flatMap((id) => running.get(id) ?? [])).then(() =>
        settleOne(branch, action, asking),
      );
      running.set(branch.id, one);
    }
    const results = await Promise.allSettled(running.values());
    const failure = results.find((result) => result.status === "rejected");
    if (failure) throw failure.reason;
  }

  async function heuristic(branch: PlannedBranch, note: string): Promise<void> {
    log.error("a branch ended otherwise than its transaction", {
      gid,
      transaction: transaction.name,
      branch: branch.id,
      note,
    });
    await node.coordinator().note(gid, { heuristic: note });
  }

  /** Notes how far it got and why it is left, and when somebody is to go on. */
  async function leave(lastError: string): Promise<Error> {
    const now = await node.coordinator().get(gid);
    const attempts = (now?.attempts ?? 0) + 1;
    const nextInMs = waitMs(attempts + 4, options, random);
    const age = now?.decidedAt === undefined ? 0 : ports.clock.wall() - now.decidedAt;
    const stuck = attempts >= options.stuckAfterRounds || age > options.stuckAfterMs;
    const note: TransactionNote = {
      done: [...done],
      outputs: Object.fromEntries(outputs),
      attempts,
      lastError,
      stuck,
      nextInMs,
    };
    await node.coordinator().note(gid, note);
    node.counters.left(transaction.name, strategy);
    const facts = { gid, transaction: transaction.name, strategy, attempts, lastError };
    if (stuck && !now?.stuck) log.error("a transaction is stuck and needs a person; it is still tried", facts);
    return new LeftForLater(lastError);
  }

  async function decide(decision: Decision, abort?: AbortReason, unknown?: string): Promise<Decision> {
    for (let attempt = 0; ; attempt++) {
      try {
        const what = decision === "committing" ? { outputs: Object.fromEntries(outputs) } : abort ? { abort } : {};
        const status = await node.coordinator().decide(gid, decision, what);
        if (unknown !== undefined) await node.at(unknown);
        if (status === undefined) return decide("aborting", reasonOf("INTERRUPTED", "its begin was lost"));
        const decided = decisionOf(status);
        if (decided === decision && "outputs" in what) known = Object.keys(what.outputs).length;
        if (decided === "aborting" && decision === "aborting") abortReason ??= abort;
        return decided;
      } catch (error) {
        // Whether it counts is not known; asking again gives the decision there is.
        if (asStatusError(error).code !== "UNAVAILABLE" || attempt >= 20) throw error;
        await pause(attempt);
      }
    }
  }

  async function whyAborted(): Promise<AbortReason> {
    abortReason ??= (await node.coordinator().get(gid))?.abort;
    return abortReason ?? reasonOf("INTERRUPTED", "somebody else aborted it");
  }

  return {
    gid,
    transaction,
    strategy,
    branches: plan.main,
    later: plan.later,
    fresh: subject.fresh,
    outputs,
    answered: answered.promise,
    begins,
    get recorded() {
      return recorded;
    },
    overrule(abort) {
      overruled = abort;
    },

    async begin() {
      recorded = true;
      const before = await node.coordinator().begin(begins("active"), node.owner, options.leaseMs);
      if (before) throw new BegunBefore(before);
      node.counters.begun(transaction.name, strategy);
    },

    drive: ask,
    forward,
    settle,
    decide,

    async answer(outcome) {
      if (outcome === "committed" || outcome === "pending") return answered.resolve({ status: outcome });
      answered.resolve({ status: "aborted", abort: outcome === "aborted" ? await whyAborted() : outcome });
    },

    runLater: settleLater,

    async adopt() {
      recorded = true;
      const before = await node.coordinator().begin(begins("committing"), node.owner, options.leaseMs);
      if (!before) node.counters.begun(transaction.name, strategy);
    },

    async finish(decision) {
      const committed = decision === "committing";
      const coordinator = node.coordinator();
      if (committed && outputs.size > known) await coordinator.note(gid, { outputs: Object.fromEntries(outputs) });
      const { reason = "", step = "", details = {} } = committed ? {} : await whyAborted();
      const end = { gid, transaction: transaction.name, committed, reason, step, input };
      await node.publishEnd({ ...end, details: new Map(Object.entries(details)) }, contextFor(subject.trace));
      await coordinator.finish(gid);
      node.counters.ended(transaction.name, strategy, committed ? undefined : reason);
    },

    async deliver(branches) {
      for (const branch of branches) {
        const request = requestFor({ gid, strategy, transaction, input, outputs }, branch, "apply");
        const id = `${gid}:${branch.id}:${record?.attempts ?? 0}`;
        await node.publishBranch(request, id, branch.participant, contextFor(subject.trace));
      }
    },

    async applyWithOutbox(first, rest, kind) {
      const host = node.hosted(first.participant);
      if (!host) throw new StatusError("FAILED_PRECONDITION", notHosted(transaction.name, first.participant));
      const rows = {
        gid,
        transaction,
        strategy,
        input,
        first: first.id,
        branches: rest,
        kind,
        trace: subject.traceparent,
      };
      for (let attempt = 0; ; attempt++) {
        const request = requestFor({ gid, strategy, transaction, input, outputs }, first, "apply");
        let failure: string;
        try {
          const reply = await host.applyAlong(request, contextFor(subject.trace), (sql) => writeOutbox(sql, rows));
          keepOutputs(reply);
          if (reply.outcome === "done") {
            node.relayed();
            return { done: true };
          }
          if (reply.outcome === "rejected") return failed(refusalIn(reply, first), true);
          if (reply.outcome === "refused") return failed(reasonOf("INTERRUPTED", reply.note, first), true);
          failure = reply.note;
        } catch (error) {
          if (!passing.has(asStatusError(error).code)) throw error;
          failure = asStatusError(error).message;
        }
        if (clock.now() >= deadline || attempt >= options.attempts) return failed(reasonOf("DEADLINE", failure, first));
        await pause(attempt);
      }
    },

    async outboxHolds(first) {
      const host = node.hosted(first.participant);
      return host ? (await countLeft(host.performer.database.sql, gid)) > 0 : true;
    },

    leave: async (lastError) => {
      await leave(lastError);
    },
    pause: (attempt) => pause(attempt),
    at: (point) => node.at(point),
  };

  /** What may be dropped is tried for one round only. */
  async function settleLater(): Promise<void> {
    const must = plan.later.filter(({ droppable }) => !droppable);
    const may = plan.later.filter(({ droppable }) => droppable);
    await settle(must, "apply", "along");
    const dropped = await forward(may, "apply").catch((error: unknown) => {
      if (error instanceof LeftForLater) return failed(reasonOf("UNAVAILABLE", error.message));
      throw error;
    });
    if (!dropped.done)
      log.warn("a step that may be lost was lost", { gid, transaction: transaction.name, why: dropped.abort.message });
  }
}

export function decisionOf(status: TransactionStatus): Decision {
  if (status === "active") throw new Error("an active transaction has no decision");
  return status === "committing" || status === "committed" ? "committing" : "aborting";
}

function plannedIn({ branches }: TransactionRecord): Branches {
  return { main: branches.filter((one) => !one.afterCommit), later: branches.filter((one) => one.afterCommit) };
}

function reasonOf(reason: string, message: string, branch?: PlannedBranch): AbortReason {
  return { reason, message, step: branch?.steps[0]?.step ?? "", details: {} };
}

function refusalIn({ refusal, note }: DriveReply, branch: PlannedBranch): AbortReason {
  if (!refusal) return reasonOf("REJECTED", note, branch);
  const { step, reason, message, details } = refusal;
  return { step, reason, message, details: Object.fromEntries(details) };
}

function notHosted(transaction: string, participant: string): string {
  return `transaction ${transaction}: ${participant} is performed by another process; its first steps must be performed where it is begun`;
}
