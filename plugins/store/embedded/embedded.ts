import { definePlugin, type StoreFacts, store } from "@mortise/kernel";
import { connectionFields } from "@mortise/kernel/postgres/connection-options";
import { preparedTransactionsOf, reservedSettings, startPostgres } from "@mortise/kernel/postgres/postgres-server";
import { postgresStore } from "@mortise/kernel/postgres/postgres-store";
import { z } from "zod";

const settings = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).superRefine((given, context) => {
  for (const name of Object.keys(given)) {
    const problem = wrongName(name);
    if (problem) context.addIssue({ code: "custom", path: [name], message: problem });
  }
});

function wrongName(name: string): string | undefined {
  if (!/^[a-z_][a-z0-9_.]*$/.test(name)) return "is not the name of a setting of PostgreSQL";
  if (reservedSettings.includes(name)) return "is decided by store/embedded and its other options";
  return undefined;
}

const options = z.strictObject({
  dataDir: z
    .string()
    .min(1)
    .default(".mortise/postgres")
    .describe("Holds the data; relative to the working directory. Made when it is not there."),
  port: z.int().min(0).max(65535).default(0).describe("Port on 127.0.0.1; 0: any that is free."),
  maxConnections: z.int().min(10).max(10_000).default(200).describe("Connections to the server at most."),
  settings: settings.default({}).describe("Settings of PostgreSQL by their own names, for example { work_mem: 8MB }."),
  ...connectionFields,
});

export type EmbeddedOptions = z.output<typeof options>;

const maintenance = "postgres";

const facts: StoreFacts = { preparedTransactions: ({ settings }: EmbeddedOptions) => preparedTransactionsOf(settings) };

/** A real PostgreSQL server from npm, started on first use and gone when this process is. */
export const embedded = definePlugin({
  spi: store,
  name: "embedded",
  description: "PostgreSQL from npm, run by this process: one database per service, nothing to install",
  options,
  facts,
  exclusive: true,
  setup: async ({ options, ports, log, signal }) => {
    const { dataDir, port, maxConnections, settings: given, ...connections } = options;
    const settings = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]));
    const load = (name: string): Promise<unknown> => import(name);
    const server = await startPostgres({ dataDir, port, maxConnections, settings, load, ports, log, signal });
    log.info(`PostgreSQL serves on ${server.host}:${server.port}`, { dataDir });
    const databases = await postgresStore({
      server: { host: server.host, port: server.port, username: server.username, password: server.password },
      connections: { ...connections, connectTimeoutMs: 5000, tls: false },
      startTimeoutMs: connections.startTimeoutMs,
      drainTimeoutMs: connections.drainTimeoutMs,
      prefix: "",
      maintenance,
      create: true,
      ports,
    });
    const stop = async () => {
      await databases.stop?.();
      await server.stop();
    };
    return { api: databases.api, stop };
  },
});
