import { coordinator, definePlugin, store } from "@mortise/kernel";
import { z } from "zod";
import { postgresCoordinator } from "./coordinator.ts";
import { keepRemoving } from "./retention.ts";
import { makeTables } from "./tables.ts";

const options = z.strictObject({
  database: z
    .string()
    .min(1)
    .default("mortise_transactions")
    .describe("The name of the database, made if it is not there; processes that coordinate together name the same"),
  batching: z.boolean().default(true).describe("Whether what comes while a statement is under way goes together next"),
  maxBatch: z.int().min(1).max(10_000).default(500).describe("Transactions of one statement at most"),
  maxInFlight: z
    .int()
    .min(1)
    .default(1)
    .describe("Batches of one kind (begin, decide, note, finish) under way at the same time at most"),
  unavailableAfterMs: z
    .int()
    .min(100)
    .default(5000)
    .describe("How long to try again when the database is away, before saying UNAVAILABLE, in milliseconds"),
  retentionDays: z.number().positive().default(7).describe("Days after which ended transactions are removed"),
});

export const postgres = definePlugin({
  spi: coordinator,
  name: "postgres",
  description: "Transactions in tables of the store's PostgreSQL",
  needs: { store },
  options,
  async setup({ deps, options, ports, log }) {
    const database = await deps.store.database(options.database);
    await makeTables(database, log);
    const removing = keepRemoving(database.sql, options.retentionDays, ports, log);
    return { api: postgresCoordinator(database.sql, options, ports), stop: () => removing.cancel() };
  },
});
