import { join } from "node:path";
import type { Database } from "@mortise/kernel";
import { testStore } from "./services.fixture.ts";

/** A database of a service with its tables, on a real server, for one test file. */
export async function serviceDatabase(service: string): Promise<Database> {
  const store = await testStore();
  const database = await store.database(service);
  await database.migrate(join(import.meta.dirname, "..", service, "drizzle"));
  return database;
}
