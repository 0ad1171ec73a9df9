import type { Options, Sql } from "postgres";
import type { DatabaseAddress } from "../spi/store.ts";
import { arrayTypes } from "./array-types.ts";
import type { Drivers } from "./drivers.ts";
import { guardTransactions } from "./guard-transactions.ts";
import { mendQueries } from "./mend-queries.ts";
import { prepareFrequent } from "./prepare-frequent.ts";
import { preparedTexts } from "./prepared-texts.ts";
import { SecureSocket, type TlsOptions } from "./secure-socket.ts";
import { filling } from "./startup.ts";
import { connectSteadily } from "./steady-socket.ts";

/** How connections to a server are made and kept. */
export interface ConnectionOptions {
  /** Connections of one database at most: so many for `sql` and so many for `orm`. */
  readonly poolSize: number;
  readonly connectTimeoutMs: number;
  /** A connection not used for so long is closed. */
  readonly idleTimeoutMs: number;
  /** A statement that runs longer is cancelled; 0: never. */
  readonly statementTimeoutMs: number;
  /** Waiting longer for a lock fails; 0: never. */
  readonly lockTimeoutMs: number;
  /** A transaction that does nothing for so long is rolled back; 0: never. */
  readonly idleTransactionTimeoutMs: number;
  /** Whether connections keep statements they have prepared; they do if it is not said. */
  readonly prepareStatements?: boolean;
  readonly tls: Tls;
}

/** false: none. */
export type Tls = false | TlsOptions;

/** A pool for queries written by hand: 64-bit integers are bigint, as everywhere in this system. */
export function sqlPool(
  { postgres }: Drivers,
  address: DatabaseAddress,
  options: ConnectionOptions,
): Sql<{ bigint: bigint }> {
  const client = postgres({
    ...pool(address, options),
    types: { ...arrayTypes(), bigint: postgres.BigInt },
    connection: limits(options),
  });
  mendQueries(client);
  return guardTransactions(client);
}

/**
 * A pool for drizzle, which has its client leave dates as text, and take JSON so. drizzle has nothing prepared unless it has
 * a name; here what is sent often is.
 */
export function ormPool({ postgres }: Drivers, address: DatabaseAddress, options: ConnectionOptions): Sql {
  const types = { ...arrayTypes(), bigint: postgres.BigInt };
  const client = postgres({ ...pool(address, options), types, connection: limits(options) }) as unknown as Sql;
  mendQueries(client);
  const guarded = guardTransactions(client);
  return options.prepareStatements === false ? guarded : prepareFrequent(guarded, preparedTexts());
}

/** One connection without time limits, for work of the platform itself. */
export function singleConnection({ postgres }: Drivers, address: DatabaseAddress, options: ConnectionOptions): Sql {
  return postgres({ ...pool(address, options), max: 1, connection: { application_name: "mortise", ...filling } });
}

function pool(address: DatabaseAddress, options: ConnectionOptions): Options<Record<never, never>> {
  const { host, port } = address;
  const { tls } = options;
  const socket = () => (tls ? new SecureSocket(host, port, tls) : connectSteadily(host, port));
  const own = { socket }; // its types do not know it
  return {
    ...own,
    host: [host] as unknown as string, // postgres.js takes a string apart at its colons, which breaks IPv6
    port: [port] as unknown as number,
    database: address.database,
    username: address.username,
    password: address.password,
    max: options.poolSize,
    prepare: options.prepareStatements ?? true,
    connect_timeout: options.connectTimeoutMs / 1000,
    idle_timeout: options.idleTimeoutMs / 1000,
    max_lifetime: null,
    backoff: reconnectAfterSeconds,
    ssl: false, // our sockets see to it
    onnotice: () => undefined,
    fetch_types: false, // see arrayTypes
  };
}

/** The wait before a connection is made anew; a short one, so that queries go on as soon as the server is back. */
export function reconnectAfterSeconds(failures: number): number {
  return failures === 0 ? 0 : Math.min(0.05 * 2 ** failures, 1);
}

/** In milliseconds, under PostgreSQL's names. */
function limits(options: ConnectionOptions): Record<string, string | number> {
  return {
    application_name: "mortise",
    ...filling,
    statement_timeout: options.statementTimeoutMs,
    lock_timeout: options.lockTimeoutMs,
    idle_in_transaction_session_timeout: options.idleTransactionTimeoutMs,
  };
}
