import { definePlugin, inTwoPhases, transaction } from "@mortise/kernel";
import { builtInStrategies } from "@mortise/kernel/contract";

/** Prepares everywhere in PostgreSQL's own prepared transactions, decides, then commits or rolls back everywhere. */
export const xa = definePlugin({
  spi: transaction,
  name: "xa",
  description: "Two-phase commit on prepared transactions of PostgreSQL",
  facts: builtInStrategies.xa,
  setup: () => ({
    api: inTwoPhases(builtInStrategies.xa, {
      first: "prepare",
      commit: "commitPrepared",
      abort: "rollbackPrepared",
      points: { unbegun: "X1", begun: "X2", voted: "X5", deciding: "X6", decided: "X7" },
    }),
  }),
});
