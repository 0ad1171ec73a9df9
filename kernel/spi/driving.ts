import { asStatusError } from "../call/outcome.ts";
import type { AbortReason, Decision, PlannedBranch, TransactionRecord } from "./coordinator.ts";
import type {
  BranchAction,
  DrivenTransaction,
  Forward,
  OutboxKind,
  StrategyFacts,
  TransactionStrategy,
} from "./transaction.ts";

/** The three requests of a protocol in two phases. */
export interface TwoPhases {
  readonly first: BranchAction;
  readonly commit: BranchAction;
  readonly abort: BranchAction;
  /** Names of the points of its protocol where faults are injected. */
  readonly points: {
    readonly begun: string;
    readonly voted: string;
    readonly decided: string;
    readonly during: string;
    readonly ended: string;
  };
}

/**
 * Takes all branches through a first phase, decides, and then makes the decision true everywhere. Until the decision
 * anybody may abort; after it nobody may.
 */
export function inTwoPhases(facts: StrategyFacts, phases: TwoPhases): TransactionStrategy {
  const { points } = phases;

  async function conclude(t: DrivenTransaction, decision: Decision): Promise<void> {
    await t.at(points.decided);
    const commit = decision === "committing";
    await t.answer(commit ? "committed" : "aborted");
    await t.settle(t.branches, commit ? phases.commit : phases.abort, "beside");
    await t.at(points.ended);
    if (commit) await t.runLater();
    await t.finish(decision);
  }

  return {
    facts,

    async run(t) {
      if (await asOne(t)) return;
      const forward = await firstPhase(t, phases.first, points.begun);
      await t.at(points.voted);
      await conclude(t, forward.done ? await t.decide("committing") : await t.decide("aborting", forward.abort));
    },

    /** Votes are never guessed: what is undecided and has lost its driver is aborted. */
    async resume(t, record) {
      await conclude(t, await decisionFor(t, record));
    },
  };
}

/** The decision there is; one who finds none makes it an abort. */
export async function decisionFor(t: DrivenTransaction, record: TransactionRecord): Promise<Decision> {
  const { status } = record;
  if (status === "committing" || status === "committed") return "committing";
  if (status === "aborting" || status === "aborted") return "aborting";
  return t.decide("aborting", isLate(record) ? late : interrupted);
}

/** Whether the deadline of a record that was just taken on has passed, or will before its lease is over. */
export function isLate({ deadlineAt, leaseUntil }: TransactionRecord): boolean {
  return deadlineAt !== undefined && leaseUntil > deadlineAt;
}

const interrupted: AbortReason = abortBecause("INTERRUPTED", "the process that drove it is gone");
const late: AbortReason = abortBecause("DEADLINE", "it was not decided in time");

export function abortBecause(reason: string, message: string): AbortReason {
  return { reason, message, step: "", details: {} };
}

/** Begins, and meanwhile takes the first phase forward where nobody else can have begun it. */
async function firstPhase(t: DrivenTransaction, action: BranchAction, begun: string): Promise<Forward> {
  const beginning = t.begin();
  if (!t.fresh) await beginning;
  const forward = t.forward(t.branches, action);
  forward.catch(() => undefined);
  try {
    await beginning;
  } catch (error) {
    if (!t.fresh) throw error;
    // Whether it is known is not known. It is undecided in any case, and only an abort is safe.
    return {
      done: false,
      abort: abortBecause("UNAVAILABLE", `it could not be begun: ${asStatusError(error).message}`),
      certain: false,
    };
  }
  await t.at(begun);
  return forward;
}

/** A transaction of one branch needs nobody to decide: the commit of that branch is the decision. Tells whether it was one. */
export async function asOne(t: DrivenTransaction): Promise<boolean> {
  const [branch] = t.branches;
  if (!branch || t.branches.length > 1 || t.later.length > 0 || branch.external) return false;
  const forward = await t.forward([branch], "apply");
  if (forward.done || (!forward.certain && (await wasApplied(t, branch)))) await t.answer("committed");
  else await t.answer(forward.abort);
  return true;
}

/** After an answer that was lost, finds out whether it was applied; if it was not by then, it never will be. */
export async function wasApplied(t: DrivenTransaction, branch: PlannedBranch): Promise<boolean> {
  for (let attempt = 0; ; attempt++) {
    const reply = await t.drive(branch, "settle").catch(() => undefined);
    if (reply?.outcome === "refused" || reply?.outcome === "rejected") return false;
    if (reply?.outcome === "done") return true;
    await t.pause(attempt);
  }
}

/** Does the first branch and leaves the others in the outbox of its database, all of them or none. */
export function throughOutbox(facts: StrategyFacts, kind: OutboxKind): TransactionStrategy {
  return {
    facts,
    async run(t) {
      const [first, ...others] = t.branches;
      if (!first || (await asOne(t))) return;
      await t.at("O1");
      const forward = await t.applyWithOutbox(first, [...others, ...t.later], kind);
      await t.at("O2");
      if (!forward.done && (forward.certain || !(await wasApplied(t, first)))) return t.answer(forward.abort);
      await t.answer("pending");
      await t.adopt();
    },
    /** What is left to do is in the outbox, not here. */
    resume: async (t) => t.leave(""),
  };
}
