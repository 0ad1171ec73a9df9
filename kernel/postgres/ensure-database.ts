import type { Ports } from "../core/ports.ts";
import { awake } from "../processes/awake.ts";
import type { DatabaseAddress } from "../spi/store.ts";
import { type ConnectionOptions, singleConnection } from "./connection.ts";
import type { Drivers } from "./drivers.ts";
import { codeOfError, explain, mayComeUp } from "./explain.ts";

/** What is needed to make sure of a database. */
export interface Ensure {
  readonly drivers: Drivers;
  readonly options: ConnectionOptions;
  readonly ports: Ports;
  /** The database to connect to for creating another. */
  readonly maintenance: string;
  /** Whether to create what is missing. */
  readonly create: boolean;
  /** How long a server may take to come up. */
  readonly startTimeoutMs: number;
}

/** Resolves when the database can be connected to, created first if it was missing. Throws a StoreError. */
export function ensureDatabase(address: DatabaseAddress, given: Ensure): Promise<void> {
  return awake(async () => {
    try {
      if (!(await reachable(address, given))) await create(address, given);
    } catch (error) {
      throw explain(error, address);
    }
  });
}

/** Resolves when the server lets us in, whatever it has. Throws STORE_UNREACHABLE or STORE_UNAUTHORIZED. */
export function ensureServer(server: Omit<DatabaseAddress, "database">, given: Ensure): Promise<void> {
  const address = { ...server, database: given.maintenance };
  return awake(async () => {
    try {
      await reachable(address, { ...given, create: true });
    } catch (error) {
      if (codeOfError(error) !== "42501") throw explain(error, address);
    }
  });
}

/** False: the server is there but has no such database (3D000). Waits for a server that comes up. */
async function reachable(address: DatabaseAddress, given: Ensure): Promise<boolean> {
  const { clock, timers } = given.ports;
  for (const until = clock.now() + given.startTimeoutMs; ; await timers.sleep(100)) {
    try {
      await onConnection(address, given, "select 1");
      return true;
    } catch (error) {
      if (codeOfError(error) === "3D000" && given.create) return false;
      if (!mayComeUp(error) || clock.now() > until) throw error;
    }
  }
}

/** Two processes may create it at once: the loser is told 42P04 (duplicate_database) or 23505 (unique_violation). */
async function create(address: DatabaseAddress, given: Ensure): Promise<void> {
  try {
    const name = address.database.replaceAll('"', '""');
    const patient = { ...given, options: { ...given.options, statementTimeoutMs: 0 } }; // that one is for what apps ask
    await onConnection({ ...address, database: given.maintenance }, patient, `create database "${name}"`);
  } catch (error) {
    if (!["42P04", "23505"].includes(codeOfError(error))) throw error;
  }
}

async function onConnection(address: DatabaseAddress, { drivers, options }: Ensure, statement: string): Promise<void> {
  const sql = singleConnection(drivers, address, options);
  try {
    await sql.unsafe(statement);
  } finally {
    await sql.end({ timeout: 1 });
  }
}
