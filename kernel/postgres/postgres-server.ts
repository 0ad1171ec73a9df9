import { join, resolve } from "node:path";
import { reasonOf } from "../core/errors.ts";
import type { Log } from "../core/plugin.ts";
import type { Ports } from "../core/ports.ts";
import { accountFor, isSuperuser } from "../processes/account.ts";
import { awake } from "../processes/awake.ts";
import type { Guarded } from "../processes/guarded.ts";
import { processIdentity } from "../processes/identity.ts";
import { preparedTransactionsOf, reservedSettings, type Settings } from "./server/arguments.ts";
import { type LoadPackage, postgresBinaries } from "./server/binaries.ts";
import { prepareCluster, username } from "./server/cluster.ts";
import type { Launch } from "./server/launch.ts";
import { appName, type Started, startServer } from "./server/start.ts";

export type { LoadPackage, Settings };
export { preparedTransactionsOf, reservedSettings };

export interface PostgresServerOptions {
  /** Holds the data and nothing else; made when it is not there. */
  readonly dataDir: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly maxConnections: number;
  readonly settings: Settings;
  /** Imports the package with the binaries. */
  readonly load: LoadPackage;
  readonly ports: Ports;
  readonly log: Log;
  /** Gives the start up. */
  readonly signal?: AbortSignal | undefined;
}

/** A PostgreSQL server that runs as long as this process does. */
export interface PostgresServer {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** Ends it the gentle way and resolves when it is gone. Harmless when repeated. */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL on a data directory and keeps it running: after a crash it is started again on the same port, and
 * whatever ends this process ends it too. What an earlier process left behind is stopped first. Throws a StoreError.
 */
export function startPostgres(options: PostgresServerOptions): Promise<PostgresServer> {
  return awake(async () => {
    const { given, password } = await prepare(options);
    const started = await startServer(given, options.ports);
    const keep = keepRunning({ ...given, port: started.port, signal: undefined }, started, options.ports);
    return { host: "127.0.0.1", port: started.port, username, password, stop: () => awake(keep.stop) };
  });
}

async function prepare(options: PostgresServerOptions): Promise<{ readonly given: Launch; readonly password: string }> {
  const { port, maxConnections, settings, load, log, signal, ports } = options;
  const dataDir = resolve(options.dataDir);
  const account = isSuperuser() ? accountFor(join(dataDir, "data")) : undefined;
  const binaries = await postgresBinaries(load, account);
  const { data, dataArgument, password } = await prepareCluster(dataDir, binaries, account, ports.ids.hex(24));
  const app = appName(processIdentity(process.pid) ?? "", ports.ids.hex(4));
  const program = binaries.postgres;
  return {
    password,
    given: { program, data, dataArgument, account, app, port, maxConnections, settings, log, signal },
  };
}

/** Longest wait between two attempts to bring a crashed server back. */
const maxWaitMs = 5000;

function keepRunning(given: Launch, first: Started, ports: Ports): { stop(): Promise<void> } {
  const stopping = new AbortController();
  let server: Guarded | undefined = first.server;

  async function again(): Promise<Guarded | undefined> {
    for (let waitMs = 100; !stopping.signal.aborted; waitMs = Math.min(waitMs * 2, maxWaitMs)) {
      try {
        return (await startServer({ ...given, signal: stopping.signal }, ports)).server;
      } catch (error) {
        if (stopping.signal.aborted) break;
        given.log.error(`PostgreSQL cannot be started again, next attempt in ${waitMs} ms: ${reasonOf(error)}`);
        await ports.timers.sleep(waitMs, stopping.signal).catch(() => undefined);
      }
    }
    return undefined;
  }

  async function watch(): Promise<void> {
    while (server) {
      const exit = await server.exited;
      if (stopping.signal.aborted) return;
      given.log.warn("PostgreSQL ended unexpectedly and is started again", { ...exit });
      server = await again();
    }
  }

  const watching = watch();
  return {
    stop: async () => {
      stopping.abort();
      await server?.stop();
      await watching;
    },
  };
}
