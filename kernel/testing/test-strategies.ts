import { builtInStrategies } from "../contract/index.ts";
import { definePlugin } from "../core/plugin.ts";
import { inTwoPhases, throughOutbox } from "../spi/driving.ts";
import { transaction } from "../spi/transaction.ts";

const points = { unbegun: "1", begun: "2", voted: "3", deciding: "4", decided: "5" } as const;

/** Two phases as they come, with points named by plain numbers. */
export const twoPhases = { first: "reserve", commit: "confirm", abort: "cancel", points } as const;

const prepared = { first: "prepare", commit: "commitPrepared", abort: "rollbackPrepared", points } as const;

/** Two phases as they come. */
export const testStrategy = definePlugin({
  spi: transaction,
  name: "two-phases",
  description: "Two phases, for tests",
  facts: builtInStrategies.tcc,
  setup: () => ({ api: inTwoPhases(builtInStrategies.tcc, twoPhases) }),
});

/** Two phases over prepared transactions. */
export const preparingStrategy = definePlugin({
  spi: transaction,
  name: "preparing",
  description: "Two phases over prepared transactions, for tests",
  facts: builtInStrategies.xa,
  setup: () => ({ api: inTwoPhases(builtInStrategies.xa, prepared) }),
});

/** Carries what it has begun through an outbox, on a schedule. */
export const noticingStrategy = definePlugin({
  spi: transaction,
  name: "noticing",
  description: "Notices on a schedule, for tests",
  facts: builtInStrategies["best-effort"],
  setup: () => ({ api: throughOutbox(builtInStrategies["best-effort"], "notice") }),
});
