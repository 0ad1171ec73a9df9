import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { onServer } from "../testing/on-server.ts";
import { postgresServer } from "../testing/postgres-server.ts";
import { readArray, writeArray } from "./array-types.ts";
import { sqlPool } from "./connection.ts";
import { loadDrivers } from "./drivers.ts";

describe("arrays as text", () => {
  it("come back as they were, nested or not, with any characters", () => {
    const values = fc.letrec((tie) => ({
      value: fc.oneof(
        fc.constant(null),
        fc.string({ unit: "binary" }),
        fc.constantFrom("NULL", "", "{", '"', "\\", ","),
      ),
      array: fc.array(fc.oneof({ depthSize: "small" }, tie("value"), tie("array")), { maxLength: 5 }),
    })).array as fc.Arbitrary<unknown[]>;
    fc.assert(fc.property(values, (given) => assert.deepEqual(readArray(writeArray(given, String), String), given)));
  });

  it("are read as PostgreSQL writes them, with bounds too", () => {
    assert.deepEqual(readArray("[0:1]={1,NULL}", Number), [1, null]);
    assert.deepEqual(readArray("{}", String), []);
    assert.deepEqual(readArray('{{a,"b c"},{"\\"","NULL"}}', String), [
      ["a", "b c"],
      ['"', "NULL"],
    ]);
  });
});

await onServer(
  "arrays on a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => {
    const limits = { statementTimeoutMs: 0, lockTimeoutMs: 0, idleTransactionTimeoutMs: 0 };
    const options = { poolSize: 1, connectTimeoutMs: 5000, idleTimeoutMs: 0, tls: false, ...limits } as const;
    const types = [
      ["text", 1009, ["a", 'b"\\,{}', "", "NULL", "ä"]],
      ["uuid", 2951, ["6ba7b810-9dad-11d1-80b4-00c04fd430c8"]],
      ["int", 1007, [1, -2, 3]],
      ["float8", 1022, [1.5, -2e300]],
      ["bigint", 1016, [1n, 2n ** 62n]],
      ["numeric", 1231, ["1.50", "2"]],
      ["interval", 1187, ["1 day", "02:00:00"]],
      ["inet", 1041, ["10.0.0.1"]],
      ["time", 1183, ["10:00:00"]],
      ["bool", 1000, [true, false]],
      ["bytea", 1001, [Buffer.from([0, 255, 92]), Buffer.alloc(0)]],
      ["jsonb", 3807, [{ a: [1, 'b"'] }, "c", 3]],
      ["timestamptz", 1185, [new Date(0), new Date(1234567)]],
    ] as const;

    it("are sent and received with values of every common type, in one and in two dimensions", async () => {
      const sql = sqlPool(await loadDrivers(), { ...server.address, database: "postgres" }, options);
      for (const [type, oid, values] of types) {
        for (const given of [[...values], [[...values], [...values]], []]) {
          if (type === "jsonb" && Array.isArray(given[0])) continue; // a list within is a value
          const [row] =
            await sql`select ${sql.typed(given as never, oid)} as back, pg_typeof(${sql.typed(given as never, oid)}) = ${`${type}[]`}::regtype as same`;
          assert.deepEqual([row?.back, row?.same], [given, true], type);
        }
      }
      await sql.end();
    });

    it("are known where the statement tells their type", async () => {
      const sql = sqlPool(await loadDrivers(), { ...server.address, database: "postgres" }, options);
      const rows = await sql`select n, t from unnest(${[1, 2]}::int[], ${["a", null]}::text[]) as given (n, t)`;
      assert.deepEqual(
        [...rows],
        [
          { n: 1, t: "a" },
          { n: 2, t: null },
        ],
      );
      await sql.end();
    });

    it("let a process live whose connections are killed while they are made", async () => {
      const { address, name, drop } = await server.database();
      const unhandled: unknown[] = [];
      const keep = (error: unknown) => unhandled.push(error);
      process.on("unhandledRejection", keep);
      const drivers = await loadDrivers();
      const killer = sqlPool(drivers, { ...server.address, database: "postgres" }, options);
      const sql = sqlPool(drivers, address, { ...options, poolSize: 25 });
      for (let round = 0; round < 4; round++) {
        let open = true;
        const asked = Array.from({ length: 25 }, () => sql`select 1`.catch(() => undefined));
        const all = Promise.all(asked).finally(() => (open = false));
        while (open) await killer`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`;
        await all;
      }
      process.off("unhandledRejection", keep);
      assert.deepEqual(unhandled, []);
      await Promise.all([sql.end({ timeout: 1 }), killer.end()]);
      await drop();
    });
  },
);
