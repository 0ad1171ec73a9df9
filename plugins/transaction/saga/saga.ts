import {
  type AbortReason,
  abortBecause,
  asOne,
  type Decision,
  type DrivenTransaction,
  decisionFor,
  definePlugin,
  type Forward,
  forced,
  isLate,
  onlyDone,
  type PlannedBranch,
  type TransactionStrategy,
  transaction,
  wasApplied,
} from "@mortise/kernel";
import { builtInStrategies } from "@mortise/kernel/contract";

/** The branches of a saga by their place before, at and after the point of no return. */
interface Course {
  readonly before: readonly PlannedBranch[];
  readonly pivot: readonly PlannedBranch[];
  readonly after: readonly PlannedBranch[];
}

/** Without a pivot the point of no return is the end. */
export function courseOf(branches: readonly PlannedBranch[]): Course {
  const behind = new Set<string>();
  for (const { id, after, pivot } of branches) {
    if (pivot || after.some((other) => behind.has(other))) behind.add(id);
  }
  return {
    before: branches.filter(({ id }) => !behind.has(id)),
    pivot: branches.filter(({ pivot }) => pivot),
    after: branches.filter(({ id, pivot }) => behind.has(id) && !pivot),
  };
}

/** Does one step after the other; if one says no, takes back those before it. */
export const sagaStrategy: TransactionStrategy = {
  facts: builtInStrategies.saga,

  async run(t) {
    if (await asOne(t)) return;
    await t.at("S1");
    await t.begin();
    await goOn(t);
  },

  async resume(t, record) {
    if (record.status === "active" && !isLate(record)) return goOn(t);
    if (record.status === "active") return conclude(t, await giveUp(t, late));
    await conclude(t, await decisionFor(t, record));
  },

  /** Whoever wants to abort it does not win against a pivot that is done. */
  async force(t, decision) {
    if (decision === "aborting") return giveUp(t, forced);
    onlyDone(await upToThePivot(t));
    return t.decide("committing");
  },
};

async function goOn(t: DrivenTransaction): Promise<void> {
  const forward = await upToThePivot(t);
  await conclude(t, forward.done ? await t.decide("committing") : await giveUp(t, forward.abort));
}

/** There is no way back behind the pivot: whether it was done is settled for ever before anything is given up. */
async function giveUp(t: DrivenTransaction, abort: AbortReason): Promise<Decision> {
  for (const pivot of courseOf(t.branches).pivot) {
    if (await wasApplied(t, pivot)) return t.decide("committing");
  }
  return t.decide("aborting", abort);
}

const late = abortBecause("DEADLINE", "it was not done in time");

async function upToThePivot(t: DrivenTransaction): Promise<Forward> {
  const { before, pivot } = courseOf(t.branches);
  const first = await t.forward(before, "apply", "S2");
  return first.done ? t.forward(pivot, "apply", "S2") : first;
}

async function conclude(t: DrivenTransaction, decision: Decision): Promise<void> {
  if (decision === "committing") {
    await t.at("S8");
    await t.answer("committed");
    await t.settle(courseOf(t.branches).after, "apply", "along", "S8");
    await t.runLater();
  } else {
    await t.at("S4");
    await t.answer("aborted");
    const { before, pivot } = courseOf(t.branches);
    await t.settle([...before, ...pivot], "undo", "reverse", "S6");
  }
  await t.finish(decision);
}

export const saga = definePlugin({
  spi: transaction,
  name: "saga",
  description: "One step after the other; if one says no, those before it are undone",
  facts: builtInStrategies.saga,
  setup: () => ({ api: sagaStrategy }),
});
