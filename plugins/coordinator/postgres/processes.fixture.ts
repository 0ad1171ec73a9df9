import { type Coordinator, type Database, type Ports, type Store, systemPorts } from "@mortise/kernel";
import { type ConnectionOptions, sqlPool } from "@mortise/kernel/postgres/connection";
import { loadDrivers } from "@mortise/kernel/postgres/drivers";
import { startPlugin, type TestDatabase } from "@mortise/kernel/testing";
import { postgres } from "./postgres.ts";

export interface OpenOptions {
  readonly options?: object;
  readonly ports?: Ports;
}

const connections: ConnectionOptions = {
  poolSize: 6,
  connectTimeoutMs: 5000,
  idleTimeoutMs: 60_000,
  statementTimeoutMs: 30_000,
  lockTimeoutMs: 0,
  idleTransactionTimeoutMs: 60_000,
  tls: false,
};

/** Starts the plugin as a process would: with a pool of its own, such as stores make them. */
export async function openOn({ address, name }: TestDatabase, { options = {}, ports = systemPorts }: OpenOptions = {}) {
  const sql = sqlPool(await loadDrivers(), address, connections);
  const store: Store = { database: async () => ({ name, sql }) as Partial<Database> as Database };
  const { api, stop } = await startPlugin<Coordinator>(postgres, { deps: { store }, options, ports });
  return {
    api,
    sql,
    async stop() {
      await stop?.();
      await sql.end({ timeout: 1 });
    },
  };
}
