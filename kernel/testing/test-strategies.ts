import { builtInStrategies, type StrategyFacts } from "../contract/index.ts";
import { definePlugin, type Plugin } from "../core/plugin.ts";
import { inTwoPhases, throughOutbox } from "../spi/driving.ts";
import { type TransactionStrategy, transaction } from "../spi/transaction.ts";

const points = { unbegun: "1", begun: "2", voted: "3", deciding: "4", decided: "5" } as const;

/** Two phases as they come, with points named by plain numbers. */
export const twoPhases = { first: "reserve", commit: "confirm", abort: "cancel", points } as const;

const prepared = { first: "prepare", commit: "commitPrepared", abort: "rollbackPrepared", points } as const;

/** A plugin that drives as one of the built-in strategies promises. */
function forTests(
  name: string,
  description: string,
  facts: StrategyFacts,
  made: (facts: StrategyFacts) => TransactionStrategy,
): Plugin {
  return definePlugin({ spi: transaction, name, description, facts, setup: () => ({ api: made(facts) }) });
}

/** Two phases as they come. */
export const testStrategy = forTests("two-phases", "Two phases, for tests", builtInStrategies.tcc, (facts) =>
  inTwoPhases(facts, twoPhases),
);

/** Two phases over prepared transactions. */
export const preparingStrategy = forTests(
  "preparing",
  "Two phases over prepared transactions, for tests",
  builtInStrategies.xa,
  (facts) => inTwoPhases(facts, prepared),
);

/** Carries what it has begun through an outbox, on a schedule. */
export const noticingStrategy = forTests(
  "noticing",
  "Notices on a schedule, for tests",
  builtInStrategies["best-effort"],
  (facts) => throughOutbox(facts, "notice"),
);

/** Carries what it has begun through an outbox, over the bus. */
export const messagingStrategy = forTests(
  "messaging",
  "Messages out of an outbox, for tests",
  builtInStrategies.outbox,
  (facts) => throughOutbox(facts, "message"),
);
