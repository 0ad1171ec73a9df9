import { definePlugin, inTwoPhases, transaction } from "@mortise/kernel";
import { builtInStrategies } from "@mortise/kernel/contract";

/** Reserves everywhere, decides, then confirms or cancels everywhere. */
export const tcc = definePlugin({
  spi: transaction,
  name: "tcc",
  description: "Reserves everywhere, then confirms or cancels (try, confirm, cancel)",
  facts: builtInStrategies.tcc,
  setup: () => ({
    api: inTwoPhases(builtInStrategies.tcc, {
      first: "reserve",
      commit: "confirm",
      abort: "cancel",
      points: { unbegun: "T1", begun: "T2", voted: "T7", deciding: "T8", decided: "T9", aborted: "T6" },
    }),
  }),
});
