import {
  asOne,
  type Decision,
  type DrivenTransaction,
  definePlugin,
  forced,
  onlyDone,
  type PlannedBranch,
  type TransactionStrategy,
  transaction,
  wasApplied,
  wasAppliedSoon,
} from "@mortise/kernel";
import { builtInStrategies } from "@mortise/kernel/contract";

/**
 * Announces what is about to happen (the half message), does the first branch, and has the others told by the bus. Who
 * finds an announcement without an outcome asks the first participant, whose fence settles it for ever.
 */
export const messageStrategy: TransactionStrategy = {
  facts: builtInStrategies.message,

  async run(t) {
    if (await asOne(t)) return;
    await t.at("M1");
    await t.begin();
    await t.at("M2");
    const { first } = partsOf(t);
    const forward = await t.forward([first], "apply");
    await t.at("M4");
    if (forward.done) return conclude(t, await t.decideToDeliver(), []);
    if (forward.certain) return conclude(t, await t.decide("aborting", forward.abort), []);
    await t.answer("pending");
    await checkBack(t, []);
  },

  async resume(t, record) {
    const { status, done } = record;
    if (status === "active") return checkBack(t, done);
    await conclude(t, status === "aborting" || status === "aborted" ? "aborting" : "committing", done);
  },

  /** What its first branch has done is the outcome; only what has not come can be aborted. */
  async force(t, decision) {
    const { first } = partsOf(t);
    if (decision === "committing") onlyDone(await t.forward([first], "apply"));
    else if (!(await wasApplied(t, first))) return t.decide("aborting", forced);
    return t.decideToDeliver();
  },
};

async function checkBack(t: DrivenTransaction, done: readonly string[]): Promise<void> {
  await t.at("M7");
  const applied = await wasAppliedSoon(t, partsOf(t).first);
  if (applied === undefined) return t.leave("nobody answers whether the first branch was done");
  await conclude(t, await (applied ? t.decideToDeliver() : t.decide("aborting")), done);
}

async function conclude(t: DrivenTransaction, decision: Decision, done: readonly string[]): Promise<void> {
  if (decision === "aborting") {
    await t.answer("aborted");
    return t.finish(decision);
  }
  await t.answer("pending");
  const left = partsOf(t).rest.filter(({ id }) => !done.includes(id));
  if (left.length === 0) return t.finish(decision);
  await t.at("M8");
  await t.deliver(left.filter(({ after }) => after.every((id) => !left.some((other) => other.id === id))));
}

function partsOf({ branches, later }: DrivenTransaction): { first: PlannedBranch; rest: readonly PlannedBranch[] } {
  const [first, ...others] = branches;
  if (!first) throw new RangeError("a transaction has at least one branch");
  return { first, rest: [...others, ...later] };
}

export const message = definePlugin({
  spi: transaction,
  name: "message",
  description: "Transactional message: announced, done, then carried to the others; check-back settles what was lost",
  facts: builtInStrategies.message,
  setup: () => ({ api: messageStrategy }),
});
