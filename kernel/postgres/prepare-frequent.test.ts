import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { eq, sql as fragment } from "drizzle-orm";
import { boolean, integer, pgTable, serial, text } from "drizzle-orm/pg-core";
import type { Sql } from "postgres";
import { systemPorts } from "../core/ports.ts";
import type { Orm } from "../spi/store.ts";
import { eventually } from "../testing/eventually.ts";
import { onServer } from "../testing/on-server.ts";
import { postgresServer, type TestPostgres } from "../testing/postgres-server.ts";
import type { ConnectionOptions } from "./connection.ts";
import { openDatabase } from "./database.ts";
import { loadDrivers } from "./drivers.ts";

const options: ConnectionOptions = {
  poolSize: 1,
  connectTimeoutMs: 5000,
  idleTimeoutMs: 0,
  statementTimeoutMs: 30_000,
  lockTimeoutMs: 0,
  idleTransactionTimeoutMs: 0,
  tls: false,
};
const notes = pgTable("notes", {
  id: serial().primaryKey(),
  text: text(),
  urgent: boolean(),
  size: integer(),
});
const byId = (orm: Orm, id: number) => orm.select().from(notes).where(eq(notes.id, id));

/** Opens a new database with a table of notes. */
async function notesOn(server: TestPostgres, more: Partial<ConnectionOptions> = {}) {
  const { address, drop } = await server.database();
  const { database, end } = openDatabase("notes", address, { ...options, ...more }, await loadDrivers(), systemPorts);
  after(async () => {
    await end(1000);
    await drop();
  });
  const { orm, sql } = database;
  await sql.unsafe("create table notes (id serial primary key, text text, urgent boolean, size int)");
  await sql.unsafe("insert into notes (text, urgent, size) select 'note ' || n, true, n from generate_series(1, 9) n");
  return { orm, sql };
}

/** What was prepared with parameters on the connection a query is given to, and how often each was used. */
async function preparedOn(orm: Orm): Promise<{ text: string; used: number }[]> {
  const found = await orm.execute<{ text: string; used: number }>(fragment`
    select statement as text, (generic_plans + custom_plans)::int as used
    from pg_prepared_statements where cardinality(parameter_types) > 0 order by 1`);
  return found.map(({ text, used }) => ({ text, used }));
}

async function times(count: number, work: () => Promise<unknown>): Promise<void> {
  for (let n = 0; n < count; n++) await work();
}

/** Runs a transaction on each of two connections at the same moment. */
async function onBoth(orm: Orm, work: (tx: Orm) => Promise<unknown>): Promise<unknown> {
  const [one, other] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const run = (mine: PromiseWithResolvers<void>, others: PromiseWithResolvers<void>) =>
    orm.transaction(async (tx) => {
      mine.resolve();
      await others.promise;
      await work(tx);
    });
  return Promise.all([run(one, other), run(other, one)]);
}

/** The code PostgreSQL gave, which drizzle wraps. */
const withCode = (code: string) => (error: Error) => (error.cause as { code?: string }).code === code;

await onServer("queries of drizzle", postgresServer, (server) => {
  describe("that are sent often", () => {
    it("are prepared from the fifth time on", async () => {
      const { orm } = await notesOn(server);
      await times(4, () => byId(orm, 1));
      assert.deepEqual(await preparedOn(orm), []);
      for (const id of [1, 2, 3, 1]) assert.equal((await byId(orm, id))[0]?.text, `note ${id}`);
      const [only, ...others] = await preparedOn(orm);
      assert.deepEqual(others, []);
      assert.match(only?.text ?? "", /from "notes" where/);
      assert.equal(only?.used, 4);
    });

    it("are prepared in transactions and savepoints, which end as before", async () => {
      const { orm } = await notesOn(server);
      const write = (tx: Orm, id: number, words: string) =>
        tx.update(notes).set({ text: words }).where(eq(notes.id, id)).returning();
      await times(2, () => orm.transaction((tx) => write(tx, 1, "kept")));
      await orm.transaction(async (tx) => {
        await times(2, () => tx.transaction((nested) => write(nested, 2, "kept, too")));
        const undone = tx.transaction(async (nested) => {
          assert.equal((await write(nested, 1, "undone"))[0]?.text, "undone");
          throw new Error("as planned");
        });
        await assert.rejects(undone, /as planned/);
        const both = await Promise.all([write(tx, 3, "kept"), write(tx, 4, "kept")]);
        assert.deepEqual(
          both.map(([row]) => row?.id),
          [3, 4],
        );
      });
      const failed = orm.transaction(async (tx) => {
        await write(tx, 5, "undone");
        tx.rollback();
      });
      await assert.rejects(failed);
      const all = await orm.select({ text: notes.text }).from(notes).orderBy(notes.id).limit(5);
      assert.deepEqual(
        all.map(({ text }) => text),
        ["kept", "kept, too", "kept", "kept", "note 5"],
      );
      const found = await preparedOn(orm);
      assert.deepEqual(
        found.map(({ used }) => used),
        [4],
      );
    });

    it("are prepared for each combination of types they are sent with", async () => {
      const { orm } = await notesOn(server);
      const put = async (urgent: boolean | null) => {
        const [row] = await orm.insert(notes).values({ text: "new", urgent }).returning({ urgent: notes.urgent });
        assert.equal(row?.urgent, urgent);
      };
      for (const urgent of [true, null]) await times(4, () => put(urgent));
      assert.deepEqual(await preparedOn(orm), []);
      for (const urgent of [true, null, false]) await put(urgent);
      assert.equal((await preparedOn(orm)).length, 2);
    });

    it("do not have others of the pool wait behind them", async () => {
      const { orm, sql } = await notesOn(server, { poolSize: 2 });
      const wait = (key: number) => orm.execute(fragment`select pg_advisory_xact_lock(${key})`);
      await times(5, () => wait(2));
      await times(5, () => byId(orm, 1));
      let waiting: Promise<unknown> | undefined;
      await sql.begin(async (holder) => {
        await holder`select pg_advisory_xact_lock(1)`;
        waiting = wait(1).execute();
        await eventually(async () => (await holder`select 1 from pg_locks where not granted`).length > 0);
        const others = await Promise.all([1, 2, 3, 4].map((id) => byId(orm, id)));
        assert.equal(others.length, 4);
      });
      await waiting;
    });

    it("reject when their transaction has lost its connection", async () => {
      const { orm } = await notesOn(server);
      await times(5, () => byId(orm, 1));
      const lost = orm.transaction(async (tx) => {
        await assert.rejects(async () => tx.execute(fragment`select pg_terminate_backend(pg_backend_pid())`));
        await byId(tx, 1);
      });
      await assert.rejects(lost);
      const [row] = await eventually(() => byId(orm, 1)); // the first may be told of the loss once more
      assert.equal(row?.text, "note 1");
    });
  });

  describe("that are many", () => {
    it("are prepared up to a limit", async () => {
      const { orm } = await notesOn(server);
      for (let n = 0; n < 2000; n++) {
        const one = () => orm.execute(fragment`select ${n}::int as ${fragment.identifier(`as_${n}`)}`);
        await Promise.all(Array.from({ length: 5 }, one));
      }
      assert.equal((await preparedOn(orm)).length, 256);
    });
  });

  describe("that are not for this", () => {
    it("stay as they are", async () => {
      const { orm } = await notesOn(server);
      const client = (orm as unknown as { readonly $client: Sql }).$client;
      await times(6, () => orm.select().from(notes));
      await times(6, () => orm.$count(notes));
      await times(6, async () => {
        for await (const rows of client.unsafe("select generate_series(1, $1) as n", [3]).cursor(2)) {
          assert.ok(rows.length <= 2);
        }
      });
      await times(6, () => client.unsafe("select $1", [client.typed("1", 23)]));
      assert.deepEqual(await preparedOn(orm), []);
      const named = orm
        .select()
        .from(notes)
        .where(eq(notes.id, fragment.placeholder("id")))
        .prepare("named");
      assert.equal((await named.execute({ id: 2 }))[0]?.text, "note 2");
      assert.equal((await preparedOn(orm)).length, 1);
    });

    it("are all where a store prepares nothing", async () => {
      const { orm, sql } = await notesOn(server, { prepareStatements: false });
      await times(6, () => byId(orm, 1));
      await times(6, () => orm.transaction((tx) => byId(tx, 1)));
      assert.deepEqual(await preparedOn(orm), []);
      await times(2, () => sql`select ${1}::int`);
      const found = () => sql.unsafe("select 1 from pg_prepared_statements");
      assert.equal((await found()).length, 0);
    });
  });

  describe("when columns change their types", () => {
    const other = (orm: Orm) =>
      orm.execute<{ size: unknown }>(fragment`select size from notes where id = ${1}`).then(([row]) => row?.size);

    it("give the new type", async () => {
      const { orm, sql } = await notesOn(server);
      await times(6, () => other(orm));
      await sql.unsafe("alter table notes alter column size type text");
      assert.equal(await other(orm), "1");
      assert.equal(await other(orm), "1");
    });

    it("fail once in a transaction, whatever the number of connections, and work when it is done again", async () => {
      const { orm, sql } = await notesOn(server, { poolSize: 2 });
      await onBoth(orm, (tx) => times(6, () => other(tx)));
      await sql.unsafe("alter table notes alter column size type text");
      await assert.rejects(
        orm.transaction((tx) => other(tx)),
        withCode("0A000"),
      );
      await onBoth(orm, async (tx) => assert.equal(await other(tx), "1"));
    });

    it("take the values of the new type after they have failed once", async () => {
      const { orm, sql } = await notesOn(server, { poolSize: 2 });
      const write = (on: Orm, size: number) =>
        on.execute(fragment`update notes set size = ${size} where id = 1 returning size::text`);
      await onBoth(orm, (tx) => times(6, () => write(tx, 1)));
      await sql.unsafe("alter table notes alter column size type bigint");
      await assert.rejects(async () => write(orm, 3e9), withCode("22003"));
      await times(3, async () => assert.equal((await write(orm, 3e9))[0]?.size, "3000000000"));
      assert.equal((await sql`select size from notes where id = 1`)[0]?.size, 3_000_000_000n);
    });

    it("go on prepared when only a value was wrong", async () => {
      const { orm } = await notesOn(server);
      const read = (id: unknown) => orm.execute(fragment`select text from notes where id = ${id}`);
      const used = async () => (await preparedOn(orm)).map((one) => one.used);
      await times(6, () => read(1));
      assert.deepEqual(await used(), [2]);
      await assert.rejects(async () => read("one"), withCode("22P02"));
      await read(1);
      assert.deepEqual(await used(), [2]);
      await read(1);
      assert.deepEqual(await used(), [3]);
    });
  });

  it("are given up where a proxy does not know them", async () => {
    const { orm } = await notesOn(server);
    const inOne = () =>
      orm.transaction(async (tx) => {
        await tx.execute(fragment`deallocate all`);
        return byId(tx, 1);
      });
    await times(6, () => byId(orm, 1));
    await assert.rejects(inOne, withCode("26000"));
    assert.equal((await inOne())[0]?.text, "note 1");
    assert.deepEqual(await preparedOn(orm), []);
  });
});
