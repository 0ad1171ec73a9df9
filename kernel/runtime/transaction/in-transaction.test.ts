import assert from "node:assert/strict";
import { it } from "node:test";
import { sql as drizzleSql } from "drizzle-orm";
import { bigint, date, jsonb, pgTable, timestamp } from "drizzle-orm/pg-core";
import type { PendingQuery, Row, Sql, TransactionSql } from "postgres";
import { bankDatabase } from "../../testing/bank.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { inTransaction } from "./in-transaction.ts";

type Types = { bigint: bigint };
type Either = Sql<Types> | TransactionSql<Types>;
type Query = (sql: Either) => PendingQuery<Row[]>;

const moment = new Date("2026-03-04T05:06:07.089Z");
const far = 2n ** 62n + 1n;

/** What a store's `sql` and that of an operation are asked alike. */
const asked: Readonly<Record<string, Query>> = {
  "64-bit integers": (sql) => sql`select ${far}::int8 as a, 7::int8 as b, null::int8 as c, count(*) as d from account`,
  "64-bit integers written as bigint": (sql) => sql`select balance + ${5n} as a from account where balance > ${1n}`,
  "64-bit integers by name": (sql) => sql`select ${sql.typed.bigint(far)} as a, ${sql.types.bigint(1n)} as b`,
  "arrays of them": (sql) => sql`select ${[far, 1n].map(String)}::int8[] as a, array[[1], [null]]::int8[] as b`,
  times: (sql) => sql`select ${"05:06:07"}::time as a, '1 day'::interval as b`,
  "JSON that is read": (sql) => sql`select '{"a": [1]}'::jsonb as a`,
  numbers: (sql) => sql`select 1.5::numeric as a, 2::int4 as b, 0.5::float8 as c, true as d`,
  "bytes and text": (sql) => sql`select ${Buffer.from("a")}::bytea as a, ${"b"}::text as b, array['c', null] as c`,
  "rows made of objects": (sql) => sql`
    insert into account ${sql({ id: `${Math.random()}`, balance: far }, "id", "balance")} returning balance`,
  "values in fragments": (sql) => sql`select id from account where ${sql`balance > ${0n} and ${far} > balance`}`,
  "texts of queries": (sql) => sql.unsafe("select $1::int8 as a, $2::text as b", [far, "c"] as never),
  "texts without parameters": (sql) => sql.unsafe("select 1::int8 as a; select 2::int8 as b"),
  lists: (sql) => sql`select ${far}::int8, 1`.values() as never,
  bytes: (sql) => sql`select ${far}::int8 as a`.raw() as never,
};

const things = pgTable("thing", {
  id: bigint({ mode: "bigint" }).primaryKey(),
  small: bigint({ mode: "number" }),
  at: timestamp({ withTimezone: true }),
  day: date(),
  said: timestamp({ mode: "string" }),
  facts: jsonb().$type<{ readonly a: number }>(),
  many: bigint({ mode: "bigint" }).array(),
});

await onServer("a transaction of an operation", postgresServer, (server) => {
  async function opened() {
    const test = await server.database();
    const { database, end } = await bankDatabase(test, { alice: 100n, bob: 7n });
    const dispose = async () => {
      await end(0);
      await test.drop();
    };
    return { database, [Symbol.asyncDispose]: dispose };
  }

  it("gives and takes by hand what the store does, also again, among queries of drizzle and in a savepoint", async () => {
    await using at = await opened();
    const { sql } = at.database;
    for (const [what, query] of Object.entries(asked)) {
      const expected = plain(await query(sql));
      await inTransaction(at.database, async (tx) => {
        assert.deepEqual(plain(await query(tx.sql)), expected, what);
        await tx.orm.execute(drizzleSql`select now()`);
        assert.deepEqual(plain(await query(tx.sql)), expected, `${what}, again`);
        await tx.sql.savepoint(async (inner) => assert.deepEqual(plain(await query(inner)), expected, what));
      });
    }
  });

  it("reads rows one by one and in parts as the store does", async () => {
    await using at = await opened();
    const read = async (sql: Either) => {
      const found: unknown[] = [];
      const rows = () => sql`select n::int8 as a, 'b' as b from generate_series(1, 3) as n`;
      await rows().forEach((row) => void found.push(row));
      await rows().cursor(2, (part) => void found.push([...part]));
      for await (const part of rows().cursor(2)) found.push([...part]);
      return found;
    };
    const expected = await read(at.database.sql);
    assert.equal(expected.length, 7);
    await inTransaction(at.database, async ({ sql }) => assert.deepEqual(await read(sql), expected));
  });

  it("leaves dates as text, and takes them and JSON so", async () => {
    await using at = await opened();
    await inTransaction(at.database, async ({ sql }) => {
      const text = moment.toISOString();
      const [row] = await sql`
        select '2026-03-04'::date as day, ${text}::timestamptz = ${text}::text::timestamptz as same,
          ${JSON.stringify({ a: 1 })}::jsonb ->> 'a' as a`;
      assert.deepEqual(row, { day: "2026-03-04", same: true, a: "1" });
    });
  });

  it("leaves to drizzle what the columns decide", async () => {
    await using at = await opened();
    await at.database.sql`
      create table thing (id int8 primary key, small int8, at timestamptz, day date, said timestamp, facts jsonb, many int8[])`;
    const thing = {
      ...{ id: far, small: 3, at: moment, day: "2026-03-04", said: "2026-03-04 05:06:07", facts: { a: 1 } },
      many: [far, 2n],
    };
    await inTransaction(at.database, async ({ orm, sql }) => {
      await orm.insert(things).values(thing);
      assert.deepEqual(await orm.select().from(things), [thing]);
      const [row] = await sql`select id, small, facts, many, day from thing where id = ${far}`;
      assert.deepEqual(row, { id: far, small: 3n, facts: thing.facts, many: thing.many, day: "2026-03-04" });
      assert.deepEqual(await orm.select().from(things), [thing]);
    });
  });

  it("has the types of the store's sql", () => {
    const typed = (sql: TransactionSql<Types>) => sql`select ${1n}::int8, ${sql.typed.bigint(1n)}`;
    const used = (database: { readonly sql: Sql<Types> }) => inTransaction(database as never, ({ sql }) => typed(sql));
    assert.ok(used);
  });
});

/** The rows alone, or the lists of them. */
function plain(result: readonly unknown[]): unknown {
  return result.map((one) => (Array.isArray(one) ? [...one] : one));
}
