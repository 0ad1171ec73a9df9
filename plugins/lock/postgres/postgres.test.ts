import assert from "node:assert/strict";
import { it } from "node:test";
import { type Database, type Lock, type Ports, type Store, systemPorts } from "@mortise/kernel";
import { lockConformance } from "@mortise/kernel/spi/lock.conformance";
import { eventually, onServer, postgresServer, startPlugin } from "@mortise/kernel/testing";
import connect from "postgres";
import { postgres } from "./postgres.ts";

await onServer(
  "lock/postgres on a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => {
    /** A store as a process would have it: with a pool of its own on one database of the server. */
    function storeOn(url: string): { store: Store; end(): Promise<void> } {
      const sql = connect(url, { max: 4, onnotice: () => undefined, types: { bigint: connect.BigInt } });
      const database = { name: "lock", sql } as Partial<Database> as Database;
      return { store: { database: async () => database }, end: () => sql.end({ timeout: 1 }) };
    }

    async function open(url: string, ports: Ports = systemPorts) {
      const { store, end } = storeOn(url);
      const { api, stop } = await startPlugin<Lock>(postgres, { deps: { store }, ports });
      return {
        api,
        async stop() {
          await stop?.();
          await end();
        },
      };
    }

    lockConformance({
      name: "postgres",
      async make() {
        const { url, drop } = await server.database();
        return { subject: { open: (ports) => open(url, ports) }, end: drop };
      },
    });

    it("creates its table once when many processes start at the same moment", async () => {
      const { url, drop } = await server.database();
      const all = await Promise.all(Array.from({ length: 5 }, () => open(url)));
      for (const { stop } of all) await stop();
      await drop();
    });

    it("keeps a lock and the growth of its tokens over a restart of the database", async () => {
      const { url, drop } = await server.database();
      const [one, two] = [await open(url), await open(url)];
      const held = await one.api.acquire("a", { leaseMs: 20_000 });
      assert.ok(held);
      await server.shutdown();
      await assert.rejects(two.api.acquire("a"), { code: "UNAVAILABLE" });
      await server.restart();
      await eventually(async () => (await two.api.acquire("a").catch(() => "away")) === undefined);
      assert.equal(held.lost.aborted, false);
      await held.release();
      const next = await two.api.acquire("a", { waitMs: 30_000 });
      assert.equal(next?.token, held.token + 1n);
      await Promise.all([one.stop(), two.stop()]);
      await drop();
    });

    it("tells that a lock is lost when the database is away for the lease", async () => {
      const { url, drop } = await server.database();
      const { api, stop } = await open(url);
      const held = await api.acquire("a", { leaseMs: 1000 });
      await server.shutdown();
      await eventually(() => held?.lost.aborted);
      await server.restart();
      await stop();
      await drop();
    });
  },
);
