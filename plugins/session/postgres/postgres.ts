import { definePlugin, session, store } from "@mortise/kernel";
import { keptSessions } from "@mortise/kernel/spi/kept-sessions";
import { z } from "zod";
import { makeTable, postgresTable, sweep } from "./postgres-table.ts";

const options = z.strictObject({
  database: z.string().min(1).default("session").describe("The name of the database, made if it is not there"),
  sweepMs: z
    .number()
    .min(1000)
    .default(60_000)
    .describe("How often sessions that are over are removed, in milliseconds"),
});

export const postgres = definePlugin({
  spi: session,
  name: "postgres",
  description: "Keeps sessions in a table of the store's PostgreSQL",
  needs: { store },
  options,
  async setup({ deps, options, ports, log }) {
    const database = await deps.store.database(options.database);
    await makeTable(database);
    const sweeping = ports.timers.every(options.sweepMs, () => {
      sweep(database, ports.clock.wall()).catch((error: unknown) => log.debug("session/postgres: sweeping", { error }));
    });
    return {
      api: keptSessions(postgresTable(database), ports, () => ports.ids.hex(32)),
      stop: () => sweeping.cancel(),
    };
  },
});
