import assert from "node:assert/strict";
import { it } from "node:test";
import { type Database, type Ports, type Sessions, type Store, systemPorts } from "@mortise/kernel";
import { sessionConformance } from "@mortise/kernel/spi/session.conformance";
import { eventually, onServer, postgresServer, startPlugin } from "@mortise/kernel/testing";
import connect from "postgres";
import { z } from "zod";
import { postgres } from "./postgres.ts";

const kind = { name: "a", schema: z.object({ n: z.number() }), idleMs: 1, maxMs: 60_000 };

await onServer(
  "session/postgres on a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => {
    const sqlOn = (url: string) =>
      connect(url, { max: 4, onnotice: () => undefined, types: { bigint: connect.BigInt } });

    async function open(url: string, ports: Ports = systemPorts, options: object = {}) {
      const sql = sqlOn(url);
      const store: Store = { database: async () => ({ name: "session", sql }) as Partial<Database> as Database };
      const { api, stop } = await startPlugin<Sessions>(postgres, { deps: { store }, ports, options });
      return {
        api,
        async stop() {
          await stop?.();
          await sql.end({ timeout: 1 });
        },
      };
    }

    sessionConformance({
      name: "postgres",
      async make() {
        const { url, drop } = await server.database();
        return { subject: { open: (ports) => open(url, ports) }, end: drop };
      },
    });

    it("removes what is over, and keeps no id", async () => {
      const { url, drop } = await server.database();
      const one = await open(url, systemPorts, { sweepMs: 1000 });
      const sql = sqlOn(url);
      const rows = () => sql<{ key: string }[]>`select key from mortise_session`;
      const { id } = await one.api.create(kind, { n: 1 });
      assert.notEqual((await rows())[0]?.key, id);
      await eventually(async () => (await rows()).length === 0);
      await sql.end();
      await one.stop();
      await drop();
    });

    it("keeps sessions over a restart of the database, and says while it is away", async () => {
      const { url, drop } = await server.database();
      const one = await open(url);
      const lasting = { ...kind, idleMs: 0 };
      const { id } = await one.api.create(lasting, { n: 1 });
      await server.shutdown();
      await assert.rejects(one.api.get(lasting, id), { code: "UNAVAILABLE" });
      await server.restart();
      assert.deepEqual((await eventually(() => one.api.get(lasting, id).catch(() => undefined))).data, { n: 1 });
      await one.stop();
      await drop();
    });
  },
);

it("is the plugin session/postgres", () => assert.equal(postgres.id, "session/postgres"));
