import { definePlugin, throughOutbox, transaction } from "@mortise/kernel";
import { builtInStrategies } from "@mortise/kernel/contract";

/** Does the first branch, and with it writes messages for all others, which the bus then carries. */
export const outbox = definePlugin({
  spi: transaction,
  name: "outbox",
  description: "Local message table: the first steps and messages for the others in one transaction of one database",
  facts: builtInStrategies.outbox,
  setup: () => ({ api: throughOutbox(builtInStrategies.outbox, "message") }),
});
