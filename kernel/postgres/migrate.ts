import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Sql } from "postgres";
import { reasonOf } from "../core/errors.ts";
import type { Drivers } from "./drivers.ts";
import { StoreError } from "./store-error.ts";

/** Any number that others do not use; advisory locks count per database. */
const lock = 0x6d6f727469;

/**
 * Applies what a drizzle-kit folder has and the database has not, all or nothing, while no other process does. `sql` is
 * one connection, which holds the lock. Throws STORE_MIGRATIONS_MISSING or STORE_MIGRATION_FAILED.
 */
export async function migrateDatabase(
  sql: Sql,
  folder: string,
  name: string,
  { drizzle, migrate }: Drivers,
): Promise<void> {
  if (!existsSync(join(folder, "meta", "_journal.json"))) {
    throw new StoreError("STORE_MIGRATIONS_MISSING", `There are no migrations for database "${name}" in ${folder}.`);
  }
  await sql`select pg_advisory_lock(${lock})`;
  try {
    await migrate(drizzle(sql), { migrationsFolder: folder });
  } catch (cause) {
    const problem = `The migrations in ${folder} cannot be applied to database "${name}": ${inFull(cause)}.`;
    throw new StoreError("STORE_MIGRATION_FAILED", problem, { cause });
  } finally {
    await sql`select pg_advisory_unlock(${lock})`.catch(() => undefined); // a lost connection has let go of it
  }
}

/** drizzle's error repeats the statement; PostgreSQL's reason is its cause. */
function inFull(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const text = reasonOf(error);
  return cause === undefined ? text : `${reasonOf(cause)} (${text.replace(/\nparams: $/, "")})`;
}
