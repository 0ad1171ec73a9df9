import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import type { Sql } from "postgres";
import { defineSpi } from "../core/spi.ts";

/** A drizzle database or transaction without a relational schema: build queries from tables. */
export type Orm = PostgresJsDatabase<Record<string, never>>;

/** How to reach one database. */
export interface DatabaseAddress {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly username: string;
  readonly password: string;
}

/** The database of one service, which no other service may touch. */
export interface Database {
  readonly name: string;
  readonly address: DatabaseAddress;
  /** postgres.js with its own pool; 64-bit integers are bigint. */
  readonly sql: Sql<{ bigint: bigint }>;
  /** drizzle over a pool of its own (drizzle changes how its client parses dates). */
  readonly orm: Orm;
  /** Applies the migrations of a drizzle-kit folder that are not applied yet; safe when several processes start at once. */
  migrate(folder: string): Promise<void>;
}

/** Keeps data in PostgreSQL. */
export interface Store {
  /** Opens the database of one service and creates it if it is not there. The same name gives the same object. */
  database(name: string): Promise<Database>;
}

/** What a store says of its databases before it runs; what is left out is not known. */
export interface StoreFacts extends Readonly<Record<string, unknown>> {
  /** All of them are on one server of its own, which prepares so many transactions with these options (of the plugin, complete). */
  readonly preparedTransactions?: (options: never) => number | undefined;
}

export const store = defineSpi<Store>("store", { kind: "one", fallback: "embedded" });
