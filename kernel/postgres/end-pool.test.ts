import assert from "node:assert/strict";
import { it } from "node:test";
import postgres from "postgres";
import { systemPorts } from "../core/ports.ts";
import { onServer } from "../testing/on-server.ts";
import { postgresServer } from "../testing/postgres-server.ts";
import { endPool } from "./end-pool.ts";

await onServer("endPool", postgresServer, ({ url }) => {
  /** Nobody's patience ends. */
  const timers = { ...systemPorts.timers, sleep: () => new Promise<void>(() => undefined) };
  const open = (max: number) => postgres(url, { max, fetch_types: false, idle_timeout: 1 });
  const end = (sql: ReturnType<typeof open>) => endPool(sql, 60_000, systemPorts.clock, timers);

  it("ends a pool that was never used, and one whose connections were idle for too long", async () => {
    await end(open(2));
    const sql = open(2);
    const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
    const other = open(1);
    const gone = async () => {
      const rows = await other`select from pg_stat_activity where pid = ${row?.pid ?? 0}`;
      return rows.length === 0;
    };
    while (!(await gone())) await systemPorts.timers.sleep(20);
    await end(sql);
    await end(other);
  });

  it("lets what was asked for before finish, also what waits for a connection", async () => {
    const sql = open(1);
    const answers = Promise.all([1, 2, 3].map((n) => sql.begin((tx) => tx`select ${n}::int as n, pg_sleep(0.05)`)));
    await end(sql);
    assert.deepEqual(
      (await answers).map(([row]) => row?.n),
      [1, 2, 3],
    );
  });

  it("ends a pool whose server is away", async () => {
    const sql = postgres("postgres://nobody:x@127.0.0.1:1/none", { max: 1, fetch_types: false });
    await end(sql);
    await assert.rejects(sql`select 1`, { code: "CONNECTION_ENDED" });
  });
});
