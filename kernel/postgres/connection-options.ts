import { z } from "zod";

const ms = (defaultMs: number, what: string) =>
  z.int().nonnegative().max(2_147_483_647).default(defaultMs).describe(`${what}, in milliseconds.`);

/** Options that every store has alike. */
export const connectionFields = {
  poolSize: z
    .int()
    .min(1)
    .max(1000)
    .default(10)
    .describe("Connections of one database at most: so many for `sql` and so many for `orm`."),
  idleTimeoutMs: ms(60_000, "After how long without use a connection is closed (0: never)"),
  statementTimeoutMs: ms(30_000, "After how long a statement is cancelled (0: never)"),
  lockTimeoutMs: ms(0, "How long to wait for a lock (0: as long as the statement may run)"),
  idleTransactionTimeoutMs: ms(60_000, "After how long a transaction that does nothing is rolled back (0: never)"),
  prepareStatements: z
    .boolean()
    .default(true)
    .describe("Whether connections keep prepared statements; false behind a proxy that does not know them."),
  startTimeoutMs: ms(10_000, "How long to wait at the start for a server that cannot be reached yet"),
  drainTimeoutMs: ms(5000, "How long work that was begun may take after the store is told to stop"),
};
