import { asStatusError } from "../call/outcome.ts";
import { StatusError } from "../call/status.ts";
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
    /** Before the begin is durable; branches may be on their way already. */
    readonly unbegun: string;
    /** After the begin, and before each request of the first phase. */
    readonly begun: string;
    readonly voted: string;
    /** After the decision, before anybody knows of it. */
    readonly deciding: string;
    /** After the decision to commit, and before each request of the second phase. */
    readonly decided: string;
    /** The same after the decision to abort; default: `decided`. */
    readonly aborted?: string;
  };
}

/**
 * Takes all branches through a first phase, decides, and then makes the decision true everywhere. Until the decision
 * anybody may abort; after it nobody may.
 */
export function inTwoPhases(facts: StrategyFacts, phases: TwoPhases): Required<TransactionStrategy> {
  const { points } = phases;

  async function conclude(t: DrivenTransaction, decision: Decision): Promise<void> {
    const commit = decision === "committing";
    const point = commit ? points.decided : (points.aborted ?? points.decided);
    await t.at(point);
    await t.answer(commit ? "committed" : "aborted");
    await t.settle(t.branches, commit ? phases.commit : phases.abort, "beside", point);
    if (commit) await t.runLater();
    await t.finish(decision);
  }

  return {
    facts,

    async run(t) {
      if (await asOne(t)) return;
      const forward = await firstPhase(t, phases);
      await t.at(points.voted);
      const decision = forward.done ? "committing" : "aborting";
      await conclude(t, await t.decide(decision, forward.done ? undefined : forward.abort, points.deciding));
    },

    /** Votes are never guessed: what is undecided and has lost its driver is aborted. */
    async resume(t, record) {
      const lost = record.status === "active" && (await wasCommitted(t));
      await conclude(t, lost ? await t.decide("committing") : await decisionFor(t, record));
    },

    /** A commit needs all votes; those that are missing are asked for. */
    async force(t, decision) {
      if (decision === "committing") onlyDone(await t.forward(t.branches, phases.first));
      return t.decide(decision, decision === "aborting" ? forced : undefined);
    },
  };
}

/**
 * Whether a branch that waited for the decision has gone through with it: then there was one, and the coordinator's
 * database has lost it, as a standby can that was behind.
 */
async function wasCommitted(t: DrivenTransaction): Promise<boolean> {
  const replies = await Promise.all(t.branches.map((branch) => t.drive(branch, "peek").catch(() => undefined)));
  return replies.some((reply) => reply?.outcome === "done");
}

/** The decision there is; one who finds none makes it an abort. */
export async function decisionFor(t: DrivenTransaction, record: TransactionRecord): Promise<Decision> {
  const { status } = record;
  if (status === "committing" || status === "committed") return "committing";
  if (status === "aborting" || status === "aborted") return "aborting";
  return t.decide("aborting", t.late ? late : interrupted);
}

/** Whether the deadline of a record that was just taken on has passed, or will before its lease is over. */
export function isLate({ deadlineAt, leaseUntil }: TransactionRecord): boolean {
  return deadlineAt !== undefined && leaseUntil > deadlineAt;
}

const interrupted: AbortReason = abortBecause("INTERRUPTED", "the process that drove it is gone");
const late: AbortReason = abortBecause("DEADLINE", "it was not decided in time");

/** Why a transaction is aborted that a person aborts. */
export const forced: AbortReason = abortBecause("FORCED", "a person aborted it");

/** Throws FAILED_PRECONDITION where branches could not be taken forward: then nobody can make it a commit. */
export function onlyDone(forward: Forward): void {
  if (forward.done) return;
  const { reason, message, step } = forward.abort;
  const where = step === "" ? "" : ` at step ${step}`;
  throw new StatusError(
    "FAILED_PRECONDITION",
    `it cannot be committed: ${reason}${where}${message && `, ${message}`}`,
    {
      reason: "CANNOT_COMMIT",
    },
  );
}

export function abortBecause(reason: string, message: string): AbortReason {
  return { reason, message, step: "", details: {} };
}

/** Begins, and meanwhile takes the first phase forward where nobody else can have begun it. */
async function firstPhase(t: DrivenTransaction, { first, points }: TwoPhases): Promise<Forward> {
  const beginning = Promise.resolve(t.at(points.unbegun)).then(() => t.begin());
  if (!t.fresh) {
    await beginning;
    await t.at(points.begun);
  }
  const forward = t.forward(t.branches, first, points.begun);
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
  return forward;
}

/**
 * The only branch of a transaction whose commit is all there is to decide, so that nobody has to keep a record of it. What is
 * done outside of any database commits nothing.
 *
 * @param main the branches that decide the outcome
 * @param later those that run after the commit
 */
export function onlyBranch(main: readonly PlannedBranch[], later: readonly PlannedBranch[]): PlannedBranch | undefined {
  const [branch, ...others] = main;
  return others.length > 0 || later.length > 0 || branch?.external ? undefined : branch;
}

/** A transaction of one branch needs nobody to decide: the commit of that branch is the decision. Tells whether it was one. */
export async function asOne(t: DrivenTransaction): Promise<boolean> {
  const branch = onlyBranch(t.branches, t.later);
  if (!branch) return false;
  const forward = await t.forward([branch], "apply");
  if (forward.done || (!forward.certain && (await wasApplied(t, branch)))) await t.answer("committed");
  else await t.answer(forward.abort);
  return true;
}

/** After an answer that was lost, finds out whether it was applied; if it was not by then, it never will be. */
export async function wasApplied(t: DrivenTransaction, branch: PlannedBranch): Promise<boolean> {
  for (let attempt = 0; ; attempt++) {
    const applied = await settledAs(t, branch);
    if (applied !== undefined) return applied;
    await t.pause(attempt);
  }
}

/** The same in a few attempts; undefined when nobody answered them. */
export async function wasAppliedSoon(t: DrivenTransaction, branch: PlannedBranch): Promise<boolean | undefined> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const applied = await settledAs(t, branch);
    if (applied !== undefined) return applied;
    await t.pause(attempt);
  }
  return undefined;
}

async function settledAs(t: DrivenTransaction, branch: PlannedBranch): Promise<boolean | undefined> {
  const reply = await t.drive(branch, "settle").catch(() => undefined);
  if (reply?.outcome === "refused" || reply?.outcome === "rejected") return false;
  return reply?.outcome === "done" ? true : undefined;
}

/** Does the first branch and leaves the others in the outbox of its database, all of them or none. */
export function throughOutbox(facts: StrategyFacts, kind: OutboxKind): TransactionStrategy {
  return {
    facts,
    async run(t) {
      const [first, ...others] = t.branches;
      if (!first || (await asOne(t))) return;
      const forward = await t.applyWithOutbox(first, [...others, ...t.later], kind);
      await t.at(kind === "message" ? "O2" : "N2");
      if (!forward.done && (forward.certain || !(await wasApplied(t, first)))) return t.answer(forward.abort);
      await t.answer("pending");
      await t.adopt();
    },
    /** What is left to do is in the outbox, not here. Who emptied it may have died before it said so. */
    async resume(t) {
      const [first] = t.branches;
      if (!first) return;
      const { holds, lastError } = await t.outboxHolds(first);
      if (holds !== "nothing") return t.leave(lastError, holds === "failing" ? "needs a person" : "waits");
      await t.answer("committed");
      await t.finish("committing");
    },
  };
}
