import { bus, definePlugin } from "@mortise/kernel";
import { z } from "zod";
import { memoryBus } from "./memory-bus.ts";

const options = z.strictObject({
  dedupeWindowMs: z
    .int()
    .nonnegative()
    .default(120_000)
    .describe("How long the id of a message is recognised when it is published again, in milliseconds."),
  maxPending: z
    .int()
    .positive()
    .default(100_000)
    .describe("Messages that may wait for one group; publishing more fails."),
});

export type MemoryOptions = z.output<typeof options>;

/** A bus within this process: nothing to run, and nothing is kept over its end. */
export const memory = definePlugin({
  spi: bus,
  name: "memory",
  description: "Events within this process, lost when it ends",
  options,
  setup: ({ options, ports, log }) => memoryBus(options, ports, log),
});
