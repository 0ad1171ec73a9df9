import { it } from "node:test";
import { type Coordinator, type Database, type Ports, type Store, systemPorts } from "@mortise/kernel";
import { coordinatorConformance } from "@mortise/kernel/spi/coordinator.conformance";
import { onServer, postgresServer, startPlugin } from "@mortise/kernel/testing";
import connect from "postgres";
import { postgres } from "./postgres.ts";

await onServer(
  "coordinator/postgres on a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => {
    /** A store as a process would have it: with a pool of its own on one database of the server. */
    function storeOn(url: string) {
      const sql = connect(url, {
        max: 6,
        onnotice: () => undefined,
        types: { bigint: connect.BigInt },
        backoff: () => 0.1,
      });
      const database = { name: "transactions", sql } as Partial<Database> as Database;
      const store: Store = { database: async () => database };
      return { store, sql, end: () => sql.end({ timeout: 1 }) };
    }

    async function open(url: string, options: object = {}, ports: Ports = systemPorts) {
      const { store, sql, end } = storeOn(url);
      const { api, stop } = await startPlugin<Coordinator>(postgres, { deps: { store }, options, ports });
      return {
        api,
        sql,
        async stop() {
          await stop?.();
          await end();
        },
      };
    }

    for (const batching of [true, false]) {
      coordinatorConformance({
        name: batching ? "postgres" : "postgres without batching",
        async make() {
          const { url, drop } = await server.database();
          return { subject: { open: () => open(url, { batching }) }, end: drop };
        },
      });
    }

    it("creates its tables once when many processes start at the same moment", async () => {
      const { url, drop } = await server.database();
      const all = await Promise.all(Array.from({ length: 5 }, () => open(url)));
      for (const { stop } of all) await stop();
      await drop();
    });
  },
);
