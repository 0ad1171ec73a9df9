import type { Running } from "../core/plugin.ts";
import type { Ports } from "../core/ports.ts";
import type { Database, DatabaseAddress, Store } from "../spi/store.ts";
import type { ConnectionOptions } from "./connection.ts";
import { type OpenDatabase, openDatabase } from "./database.ts";
import { loadDrivers } from "./drivers.ts";
import { type Ensure, ensureDatabase, ensureServer } from "./ensure-database.ts";
import { StoreError } from "./store-error.ts";

export interface PostgresStoreOptions {
  readonly server: Omit<DatabaseAddress, "database">;
  readonly connections: ConnectionOptions;
  readonly ports: Ports;
  /** Before the name of each service. */
  readonly prefix: string;
  readonly maintenance: string;
  readonly create: boolean;
  /** How long the server may take to come up. */
  readonly startTimeoutMs: number;
  /** How long work that was begun may take after the stop. */
  readonly drainTimeoutMs: number;
}

/** A store on a PostgreSQL server: one database per name. Throws a StoreError when the server is not to be had. */
export async function postgresStore(given: PostgresStoreOptions): Promise<Running<Store>> {
  const { server, connections: options, ports, prefix, maintenance, create, startTimeoutMs } = given;
  const drivers = await loadDrivers();
  const ensure: Ensure = { drivers, options, ports, maintenance, create, startTimeoutMs };
  await ensureServer(server, ensure);
  const open = new Map<string, Promise<OpenDatabase>>();
  let stopped = false;

  async function opened(name: string): Promise<OpenDatabase> {
    const address = { ...server, database: databaseName(prefix, name) };
    await ensureDatabase(address, ensure);
    if (stopped) throw new StoreError("STORE_STOPPED", `Database "${name}" was asked for too late.`);
    return openDatabase(name, address, options, drivers, ports);
  }

  function remember(name: string, opening: Promise<OpenDatabase>): Promise<OpenDatabase> {
    open.set(name, opening);
    opening.catch(() => open.delete(name)); // whoever asks next tries again
    return opening;
  }

  async function database(name: string): Promise<Database> {
    if (stopped) throw new StoreError("STORE_STOPPED", `Database "${name}" was asked for too late.`);
    return (await (open.get(name) ?? remember(name, opened(name)))).database;
  }

  async function stop(): Promise<void> {
    stopped = true;
    const ends = [...open.values()].map(async (opening) => (await opening).end(given.drainTimeoutMs));
    await Promise.allSettled(ends); // what could not be opened needs no end
  }

  return { api: { database }, stop };
}

/** The name on the server. Throws STORE_NAME_INVALID. */
export function databaseName(prefix: string, name: string): string {
  const full = `${prefix}${name}`;
  if (/^[a-z][a-z0-9_-]{0,62}$/.test(full) && /^[a-z]/.test(name)) return full;
  throw new StoreError("STORE_NAME_INVALID", `"${full}" cannot be the name of a database.`);
}
