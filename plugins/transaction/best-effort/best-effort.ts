import { definePlugin, throughOutbox, transaction } from "@mortise/kernel";
import { builtInStrategies } from "@mortise/kernel/contract";

/** Does the first branch, then notifies the others on a schedule, after which it gives up. */
export const bestEffort = definePlugin({
  spi: transaction,
  name: "best-effort",
  description: "The first steps at once; the others are notified on a schedule, and may be lost",
  facts: builtInStrategies["best-effort"],
  setup: () => ({ api: throughOutbox(builtInStrategies["best-effort"], "notice") }),
});
