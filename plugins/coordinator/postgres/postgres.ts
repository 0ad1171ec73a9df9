import { type CoordinatorFacts, coordinator, definePlugin, store } from "@mortise/kernel";
import { serverOptions, storeOn } from "@mortise/kernel/postgres/server-options";
import { z } from "zod";
import { postgresCoordinator } from "./coordinator.ts";
import { keepRemoving, keptMs } from "./retention.ts";
import { makeTables } from "./tables.ts";

const options = z.strictObject({
  server: serverOptions
    .optional()
    .describe("The server of the database, with the options of store/postgres; by default that of the store"),
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
  retentionDays: z
    .number()
    .positive()
    .default(15)
    .describe("Days after which ended transactions are removed; at least one more than `fenceRetentionDays`"),
});

const facts: CoordinatorFacts = { keepsEndedMs: keptMs };

export const postgres = definePlugin({
  spi: coordinator,
  name: "postgres",
  description: "Transactions in tables of PostgreSQL, on the server of the store or one of its own",
  needs: { store },
  facts,
  options,
  async setup({ deps, options, ports, log }) {
    const own = options.server && (await storeOn(options.server, ports));
    try {
      const database = await (own?.api ?? deps.store).database(options.database);
      const identity = await makeTables(database, log);
      const removing = keepRemoving(database.sql, options.retentionDays, ports, log);
      const stop = async () => {
        removing.cancel();
        await own?.stop?.();
      };
      return { api: postgresCoordinator({ sql: database.sql, identity }, options, ports), stop };
    } catch (error) {
      await own?.stop?.();
      throw error;
    }
  },
});
