import assert from "node:assert/strict";
import { after, it } from "node:test";
import postgres from "postgres";
import { eventually } from "../testing/eventually.ts";
import { onServer } from "../testing/on-server.ts";
import { postgresServer } from "../testing/postgres-server.ts";
import { mendQueries } from "./mend-queries.ts";

await onServer("mendQueries", postgresServer, (server) => {
  async function connect() {
    const { url, drop } = await server.database();
    const sql = postgres(url, { max: 1, onnotice: () => undefined, fetch_types: false });
    after(async () => {
      await sql.end();
      await drop();
    });
    mendQueries(sql);
    return sql;
  }

  it("writes what was given when a statement is sent again", async () => {
    const sql = await connect();
    await sql`create table given (id serial, yes boolean, bytes bytea, json jsonb, at timestamptz, many int[], other int)`;
    const values = { yes: true, bytes: Buffer.from([1, 2]), json: { a: [1] }, at: new Date(0) };
    const put = async () => {
      const [row] = await sql`insert into given ${sql({ ...values, json: sql.json(values.json) })} returning *`;
      return { yes: row?.yes, bytes: row?.bytes, json: row?.json, at: row?.at };
    };
    assert.deepEqual(await put(), values);
    await sql.unsafe("alter table given alter column other type text");
    assert.deepEqual(await put(), values);
    await sql.unsafe("deallocate all");
    assert.deepEqual(await put(), values);
    assert.deepEqual(await put(), values);
  });

  it("gives only rows of its own to what comes after a query that failed in the middle", async () => {
    const sql = await connect();
    const fail = () =>
      assert.rejects(async () => sql`select 1 / (3 - n) from generate_series(1, 5) n`, { code: "22012" });
    const numbers = () => sql`select n from generate_series(1, 3) n`;
    const wanted = [{ n: 1 }, { n: 2 }, { n: 3 }];
    await fail();
    const rows = await numbers();
    assert.deepEqual([...rows], wanted);
    assert.equal(rows.count, 3);
    await fail();
    assert.deepEqual([...(await numbers().values())], [[1], [2], [3]]);
    await fail();
    assert.deepEqual([...(await sql`select 1 where false`)], []);
    await fail();
    const both = await sql.unsafe<unknown[][]>("select 1 as n; select 2 as n");
    assert.deepEqual(
      both.map((one) => [...one]),
      [[{ n: 1 }], [{ n: 2 }]],
    );
    await fail();
    const read: unknown[] = [];
    for await (const chunk of numbers().cursor(2)) read.push(...chunk);
    assert.deepEqual(read, wanted);
    await fail();
    const each: unknown[] = [];
    await numbers().forEach((row) => {
      each.push(row);
    });
    assert.deepEqual(each, wanted);
  });

  it("gives only rows of its own to what comes after a connection was lost", async () => {
    const sql = await connect();
    const last = () =>
      sql`select 1 as it from pg_sleep(0.01) union all select pg_terminate_backend(pg_backend_pid())::int`;
    await assert.rejects(async () => last());
    const rows = await eventually(() => sql`select 1 as n`); // the first may be told of the loss once more
    assert.deepEqual([...rows], [{ n: 1 }]);
    assert.deepEqual([...(await sql`select 1 as n`)], [{ n: 1 }]);
  });

  it("leaves the error of the first try where the second fails as well", async () => {
    const sql = await connect();
    await sql`create table failing (id int, other int)`;
    await assert.rejects(
      sql.begin(async (tx) => {
        const read = () => tx`select * from failing where id = ${1}`;
        await read();
        await tx.unsafe("alter table failing alter column other type text");
        await read();
      }),
      { code: "0A000" },
    );
    assert.equal((await sql`select * from failing`).length, 0);
  });
});
