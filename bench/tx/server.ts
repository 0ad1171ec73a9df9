import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Store } from "../../kernel/index.ts";
import { startPlugin } from "../../kernel/testing/start-plugin.ts";
import { embedded } from "../../plugins/store/embedded/embedded.ts";
import { preparedTransactions } from "./world.ts";

/** A PostgreSQL that waits for its disk, as in production. All databases are on it, so it bears all commits. */
export interface BenchServer {
  /** A store with connections of its own; they are gone when it is stopped, and have then told what they did. */
  open(poolSize?: number): Promise<Store & AsyncDisposable>;
  /** How often the log was flushed so far (pg_stat_io of PostgreSQL 18), by connections that are gone and by itself. */
  flushes(): Promise<number>;
  stop(): Promise<void>;
}

/** Connections of a database, twice: as stores have it unless they are told otherwise. */
const defaultPoolSize = 10;

/** @param flushMs how much longer a flush of the log takes, 0 to 100: PostgreSQL waits so long before each */
export async function benchServer(flushMs = 0): Promise<BenchServer> {
  const dataDir = mkdtempSync(join(tmpdir(), "bench-tx-"));
  chmodSync(dataDir, 0o755); // the server does not run as the superuser
  const slow = { commit_delay: Math.round(flushMs * 1_000), commit_siblings: 0 };
  const settings = { max_prepared_transactions: preparedTransactions, max_wal_size: "4GB", ...slow };
  const options = { dataDir, maxConnections: 300, poolSize: 20, settings };
  const { api, stop } = await startPlugin<Store>(embedded, { options });
  const { address } = await api.database("bench");
  const { default: postgres } = await import("postgres");
  const { openDatabase } = await import("../../kernel/postgres/database.ts");
  const { loadDrivers } = await import("../../kernel/postgres/drivers.ts");
  const { systemPorts } = await import("../../kernel/core/ports.ts");
  const drivers = await loadDrivers();
  const connections = {
    ...{ connectTimeoutMs: 5_000, idleTimeoutMs: 60_000, statementTimeoutMs: 0, lockTimeoutMs: 0 },
    ...{ idleTransactionTimeoutMs: 0, tls: false as const },
  };
  const { host, port, username, password } = address;
  const asking = postgres({ host, port, username, password, database: "postgres", max: 1 });
  return {
    async open(poolSize = defaultPoolSize) {
      const opened = new Map<string, ReturnType<typeof openDatabase>>();
      return {
        database: async (name) => {
          const known = opened.get(name);
          if (known) return known.database;
          await api.database(name); // makes it
          const made =
            opened.get(name) ??
            openDatabase(name, { ...address, database: name }, { ...connections, poolSize }, drivers, systemPorts);
          opened.set(name, made);
          return made.database;
        },
        async [Symbol.asyncDispose]() {
          await Promise.all([...opened.values()].map(({ end }) => end(1_000)));
          await gone();
        },
      };
    },
    async flushes() {
      const [row] = await asking<{ flushes: string }[]>`
        select coalesce(sum(fsyncs), 0)::text as flushes from pg_stat_io where object = 'wal'`;
      return Number(row?.flushes);
    },
    async stop() {
      await asking.end();
      await stop?.();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };

  /** Waits until the connections are gone: until then the server has not counted all they did. */
  async function gone(): Promise<void> {
    for (;;) {
      const [row] = await asking<{ left: number }[]>`
        select count(*)::int as left from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid() and datname not in ('postgres', 'bench')`;
      if (row?.left === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
