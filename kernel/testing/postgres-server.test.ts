import assert from "node:assert/strict";
import { it } from "node:test";
import postgres, { type Sql } from "postgres";
import { onServer } from "./on-server.ts";
import { postgresServer } from "./postgres-server.ts";

await onServer(
  "postgresServer",
  () => postgresServer({ ours: true }),
  (server) => {
    it("gives every test a database of its own", async () => {
      const [one, other] = await Promise.all([server.database(), server.database()]);
      await on(one.url, (sql) => sql`create table only_here (n int)`);
      await assert.rejects(
        on(other.url, (sql) => sql`select * from only_here`),
        /does not exist/,
      );
      await Promise.all([one.drop(), other.drop()]);
      await assert.rejects(
        on(one.url, (sql) => sql`select 1`),
        { code: "3D000" },
      );
    });

    it("copies a database that was prepared once", async () => {
      const template = await server.template(async (url) => {
        await on(url, (sql) => sql`create table seeds as select generate_series(1, 3) as n`);
      });
      const copies = await Promise.all([server.database(template), server.database(template)]);
      for (const { url, drop } of copies) {
        await on(url, async (sql) => {
          assert.deepEqual([...(await sql`select count(*)::int as count from seeds`)], [{ count: 3 }]);
        });
        await drop();
      }
    });

    it("keeps data and port over a shutdown", async () => {
      const { url, drop } = await server.database();
      await on(url, (sql) => sql`create table kept as select 7 as n`);
      await server.shutdown();
      await assert.rejects(
        on(url, (sql) => sql`select 1`),
        { code: "ECONNREFUSED" },
      );
      await server.restart();
      await on(url, async (sql) => {
        assert.deepEqual([...(await sql`select n from kept`)], [{ n: 7 }]);
      });
      await drop();
    });
  },
);

async function on(url: string, work: (sql: Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(url, { max: 1, connect_timeout: 30 });
  try {
    await work(sql);
  } finally {
    await sql.end();
  }
}
