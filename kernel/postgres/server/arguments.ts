import { appSetting } from "./postmaster.ts";

/** What a server can be told, by the names of PostgreSQL's own settings. */
export type Settings = Readonly<Record<string, string>>;

/** Settings that the platform decides; they are not passed on. */
export const reservedSettings: readonly string[] = [
  "config_file",
  "data_directory",
  "external_pid_file",
  "hba_file",
  "ident_file",
  "lc_messages",
  "listen_addresses",
  "log_destination",
  "log_line_prefix",
  "log_min_messages",
  "logging_collector",
  "max_connections",
  "port",
  "unix_socket_directories",
  appSetting,
];

/**
 * Fit for a database beside an app on one machine: little memory (20 MB idle), few processes, no replication. Crash
 * safety stays as PostgreSQL has it.
 */
const modest: Settings = {
  shared_buffers: "32MB",
  io_method: "sync",
  wal_level: "minimal",
  max_wal_senders: "0",
  max_wal_size: "256MB",
  min_wal_size: "32MB",
  max_logical_replication_workers: "0",
  max_worker_processes: "2",
  max_prepared_transactions: "64",
  jit: "off",
};

/** How many transactions a server with these settings prepares; nothing where that is no plain number. */
export function preparedTransactionsOf(given: Readonly<Record<string, unknown>>): number | undefined {
  const count = Number({ ...modest, ...given }.max_prepared_transactions);
  return Number.isInteger(count) ? count : undefined;
}

export interface ArgumentsOf {
  readonly dataArgument: string;
  readonly port: number;
  readonly maxConnections: number;
  readonly settings: Settings;
  /** The process identity of this app. */
  readonly app: string;
}

/** The command line of a server that listens on the loopback interface only. */
export function postgresArguments({ dataArgument, port, maxConnections, settings, app }: ArgumentsOf): string[] {
  const fixed: Settings = {
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: "",
    max_connections: String(maxConnections),
    log_destination: "stderr",
    logging_collector: "off",
    log_line_prefix: "",
    log_min_messages: "warning",
    [appSetting]: app,
  };
  const free = Object.entries(settings).filter(([name]) => !reservedSettings.includes(name));
  const all = Object.entries({ ...modest, ...Object.fromEntries(free), ...fixed });
  return ["-D", dataArgument, ...all.flatMap(([name, value]) => ["-c", `${name}=${value}`])];
}
