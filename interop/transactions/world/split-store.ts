import { definePlugin, store } from "@mortise/kernel";
import { postgresStore } from "@mortise/kernel/postgres/postgres-store";
import { parseServerUrl } from "@mortise/plugins/store/postgres/server-url";

/** Where databases are: some on a server of their own, the others on the first. */
export interface Servers {
  readonly url: string;
  /** By name of the database. */
  readonly others: Readonly<Record<string, string>>;
  readonly prefix: string;
}

/** Databases on several servers, as where every team has its own. */
export function splitStore({ url, others, prefix }: Servers) {
  return definePlugin({
    spi: store,
    name: "split",
    description: "Databases on several servers of PostgreSQL",
    setup: async ({ ports }) => {
      const urls = [...new Set([url, ...Object.values(others)])];
      const stores = new Map(
        await Promise.all(
          urls.map(async (one) => {
            const server = parseServerUrl(one);
            if (typeof server === "string") throw new TypeError(server);
            const { host, port, username, password, database: maintenance } = server;
            const running = await postgresStore({
              server: { host, port, username, password },
              connections: {
                poolSize: 8,
                connectTimeoutMs: 5_000,
                idleTimeoutMs: 60_000,
                statementTimeoutMs: 10_000,
                lockTimeoutMs: 0,
                idleTransactionTimeoutMs: 20_000,
                tls: false,
              },
              startTimeoutMs: 20_000,
              drainTimeoutMs: 500,
              prefix,
              maintenance,
              create: true,
              ports,
            });
            return [one, running] as const;
          }),
        ),
      );
      return {
        api: {
          database: async (name) => {
            const running = stores.get(others[name] ?? url);
            if (!running) throw new TypeError(`there is no server for ${name}`);
            return running.api.database(name);
          },
        },
        stop: async () => {
          await Promise.all([...stores.values()].map(async (running) => running.stop?.()));
        },
      };
    },
  });
}
