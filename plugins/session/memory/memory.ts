import { definePlugin, session } from "@mortise/kernel";
import { keptSessions } from "@mortise/kernel/spi/kept-sessions";
import { z } from "zod";
import { memoryTable } from "./memory-table.ts";

const options = z.strictObject({
  maxSessions: z.int().min(1).default(100_000).describe("How many sessions are kept; beyond it old ones end"),
});

export const memory = definePlugin({
  spi: session,
  name: "memory",
  description: "Keeps sessions in this process",
  options,
  setup: ({ options, ports }) => ({
    api: keptSessions(memoryTable(options.maxSessions, ports.clock), ports, () => ports.ids.hex(32)),
  }),
});
