import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sql } from "postgres";
import { systemPorts } from "../core/ports.ts";
import { type PostgresServer, type Settings, startPostgres } from "../postgres/postgres-server.ts";
import { StoreError } from "../postgres/store-error.ts";
import { accountFor, isSuperuser } from "../processes/account.ts";
import type { DatabaseAddress } from "../spi/store.ts";
import type { TestCertificate } from "./certificates.ts";
import { silentLog } from "./logs.ts";
import { MissingServer } from "./on-server.ts";

/** A database of one test. */
export interface TestDatabase {
  readonly name: string;
  readonly url: string;
  readonly address: DatabaseAddress;
  /** Removes it, whoever is connected. */
  drop(): Promise<void>;
}

/** A PostgreSQL server to test against. It forgets everything when it stops, and does not wait for disks. */
export interface TestPostgres {
  readonly address: Omit<DatabaseAddress, "database">;
  /** Of the database `postgres`. */
  readonly url: string;
  /** Makes a database nobody else uses: empty, or a copy of one that {@link template} made (40 ms). */
  database(template?: string): Promise<TestDatabase>;
  /** Makes a database to copy from, for example with all migrations applied; gives its name. */
  template(prepare: (url: string) => Promise<void>): Promise<string>;
  /** Shuts it down; its data stay. Throws for a server the environment names. */
  shutdown(): Promise<void>;
  /** Starts it again on the same port with the same data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface PostgresServerOptions {
  /** Start one of our own, to shut down and restart, even if the environment names one. */
  readonly ours?: boolean;
  /** Further settings of PostgreSQL; they make it a server of our own. */
  readonly settings?: Settings;
  /** Offer TLS with it; that makes it a server of our own. */
  readonly certificate?: TestCertificate;
}

/** A PostgreSQL server: `POSTGRES_URL`, else the one from npm, started by ourselves on a free port. */
export async function postgresServer(options: PostgresServerOptions = {}): Promise<TestPostgres> {
  const { ours = false, settings, certificate } = options;
  const url = process.env.POSTGRES_URL;
  return url && !ours && !settings && !certificate ? foreignServer(url) : ownServer(options);
}

async function ownServer({ settings: given, certificate }: PostgresServerOptions): Promise<TestPostgres> {
  const dataDir = folder("postgres-");
  const secrets = certificate && folder("postgres-tls-");
  const settings = { ...given, ...(secrets && withTls(secrets, certificate)) };
  let server = await start(dataDir, 0, settings);
  const { port } = server;
  return {
    ...databasesOf(server),
    shutdown: () => server.stop(),
    restart: async () => {
      server = await start(dataDir, port, settings);
    },
    stop: async () => {
      await server.stop();
      for (const path of [dataDir, ...(secrets ? [secrets] : [])]) rmSync(path, { recursive: true, force: true });
    },
  };
}

function folder(prefix: string): string {
  const path = mkdtempSync(join(tmpdir(), prefix));
  chmodSync(path, 0o755); // the server does not run as the superuser
  return path;
}

function withTls(path: string, { cert, key }: TestCertificate): Settings {
  const file = (name: string, text: string): string => {
    const full = join(path, name);
    writeFileSync(full, text, { mode: 0o600 });
    const { uid, gid } = accountFor("/nowhere");
    if (isSuperuser()) chownSync(full, uid, gid); // PostgreSQL wants its key to belong to whom it runs as
    return full;
  };
  return { ssl: "on", ssl_cert_file: file("server.pem", cert), ssl_key_file: file("server.key", key) };
}

const hasty: Settings = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" };

async function start(dataDir: string, port: number, more: Settings): Promise<PostgresServer> {
  const settings = { ...hasty, ...more };
  const load = (name: string): Promise<unknown> => import(name);
  const options = { dataDir, port, maxConnections: 200, settings, load, ports: systemPorts, log: silentLog };
  return startPostgres(options).catch((error: unknown) => {
    const missing = error instanceof StoreError && error.code === "STORE_BINARIES_MISSING";
    throw missing ? new MissingServer(`There is no PostgreSQL server: set POSTGRES_URL. ${error.message}`) : error;
  });
}

function foreignServer(url: string): TestPostgres {
  const { hostname: host, port, username, password } = new URL(url);
  const refuse = async () => {
    throw new Error("The server that POSTGRES_URL names is not ours to stop; ask for one with { ours: true }");
  };
  const address = { host, port: Number(port || 5432), username, password: decodeURIComponent(password) };
  return { ...databasesOf(address), shutdown: refuse, restart: refuse, stop: async () => undefined };
}

type Databases = Pick<TestPostgres, "address" | "url" | "database" | "template">;

function databasesOf({ host, port, username, password }: Omit<DatabaseAddress, "database">): Databases {
  const address = { host, port, username, password };
  const urlOf = (name: string) =>
    `postgres://${encodeURIComponent(username)}:${encodeURIComponent(password)}@${host}:${port}/${name}`;
  const run = (statement: string) => onServerOf(urlOf("postgres"), (sql) => sql.unsafe(statement));
  const create = async (template = "template0"): Promise<TestDatabase> => {
    const name = `test_${systemPorts.ids.hex(8)}`;
    await run(`create database ${name} template ${template}`);
    const drop = () => run(`drop database if exists ${name} with (force)`);
    return { name, url: urlOf(name), address: { ...address, database: name }, drop };
  };
  return {
    address,
    url: urlOf("postgres"),
    database: create,
    template: async (prepare) => {
      const { name, url } = await create();
      await prepare(url);
      return name;
    },
  };
}

async function onServerOf(url: string, work: (sql: Sql) => Promise<unknown>): Promise<void> {
  const { default: postgres } = await import("postgres");
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await work(sql);
  } finally {
    await sql.end();
  }
}
