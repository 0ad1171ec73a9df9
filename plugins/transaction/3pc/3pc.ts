import { definePlugin, inTwoPhases, type TransactionStrategy, transaction } from "@mortise/kernel";
import { builtInStrategies } from "@mortise/kernel/contract";

const facts = builtInStrategies["3pc"];

/** Two-phase commit behind a vote that holds nothing: most of what cannot be done is refused before anything is locked. */
export function preVoting(): TransactionStrategy {
  const phases = inTwoPhases(facts, {
    first: "prepare",
    commit: "commitPrepared",
    abort: "rollbackPrepared",
    points: { unbegun: "X1", begun: "X2", voted: "P3", deciding: "X6", decided: "X7" },
  });
  return {
    facts,
    async run(t) {
      const could = t.branches.length > 1 ? await t.forward(t.branches, "check", "P1") : undefined;
      await t.at("P2");
      if (could && !could.done) {
        if (t.fresh) await t.answer(could.abort); // nothing was held, and nobody can have begun it before
        await t.beginAborted(could.abort);
        await t.answer(could.abort);
        return t.finish("aborting");
      }
      await phases.run(t);
    },
    resume: (t, record) => phases.resume(t, record),
    force: (t, decision) => phases.force(t, decision),
  };
}

export const threePhase = definePlugin({
  spi: transaction,
  name: "3pc",
  description: "Two-phase commit with a vote before anything is locked; participants ask for a decision they miss",
  facts,
  setup: () => ({ api: preVoting() }),
});
