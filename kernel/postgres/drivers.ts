import { StoreError } from "./store-error.ts";

/** The packages a database is opened with; they are loaded when the first one is. */
export interface Drivers {
  readonly postgres: typeof import("postgres");
  readonly drizzle: typeof import("drizzle-orm/postgres-js").drizzle;
  readonly migrate: typeof import("drizzle-orm/postgres-js/migrator").migrate;
}

/** Throws STORE_DRIVER_MISSING when one is not installed. */
export async function loadDrivers(): Promise<Drivers> {
  const [postgres, orm, migrator] = await Promise.all([
    orMissing("postgres", () => import("postgres")),
    orMissing("drizzle-orm", () => import("drizzle-orm/postgres-js")),
    orMissing("drizzle-orm", () => import("drizzle-orm/postgres-js/migrator")),
  ]);
  return { postgres: postgres.default, drizzle: orm.drizzle, migrate: migrator.migrate };
}

async function orMissing<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new StoreError("STORE_DRIVER_MISSING", `The package ${name}, which stores need, cannot be loaded.`, {
      cause,
    });
  }
}
