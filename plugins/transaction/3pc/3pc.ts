import { definePlugin, inTwoPhases, type TransactionStrategy, transaction } from "@mortise/kernel";
import { builtInStrategies } from "@mortise/kernel/contract";

const facts = builtInStrategies["3pc"];

/** Two-phase commit behind a vote that holds nothing: most of what cannot be done is refused before anything is locked. */
export function preVoting(): TransactionStrategy {
  const phases = inTwoPhases(facts, {
    first: "prepare",
    commit: "commitPrepared",
    abort: "rollbackPrepared",
    points: { begun: "P2", voted: "P3", decided: "X7", during: "X7", ended: "X8" },
  });
  return {
    facts,
    async run(t) {
      await t.at("P1");
      const could = t.branches.length > 1 ? await t.forward(t.branches, "check") : undefined;
      if (could && !could.done) {
        await t.answer(could.abort);
        return t.finish(await t.decide("aborting", could.abort)); // nothing was held, and those who ask later are told
      }
      await phases.run(t);
    },
    resume: (t, record) => phases.resume(t, record),
  };
}

export const threePhase = definePlugin({
  spi: transaction,
  name: "3pc",
  description: "Two-phase commit with a vote before anything is locked; participants ask for a decision they miss",
  facts,
  setup: () => ({ api: preVoting() }),
});
