import { asOne, definePlugin, StatusError, type TransactionStrategy, transaction } from "@mortise/kernel";
import { builtInStrategies } from "@mortise/kernel/contract";

/** One database transaction; what cannot be one is refused. */
export const localStrategy: TransactionStrategy = {
  facts: builtInStrategies.local,

  async run(t) {
    if (await asOne(t)) return;
    const participants = [...new Set([...t.branches, ...t.later].map(({ participant }) => participant))];
    throw new StatusError(
      "FAILED_PRECONDITION",
      `local needs all steps in one branch, not over ${participants.join(", ")}`,
    );
  },
  resume: async () => undefined, // nothing of it is kept
};

export const local = definePlugin({
  spi: transaction,
  name: "local",
  description: "One transaction of one database",
  facts: builtInStrategies.local,
  setup: () => ({ api: localStrategy }),
});
