import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { eq, sql as fragment } from "drizzle-orm";
import { bigint, pgTable, text, timestamp } from "drizzle-orm/pg-core";
import type { Running } from "../core/plugin.ts";
import { systemPorts } from "../core/ports.ts";
import { conformance } from "../testing/conformance.ts";
import { writeMigrations } from "../testing/migrations.ts";
import type { Database, Store } from "./store.ts";

/** Starts the store with default options on the same data every time. */
export type StoreSubject = () => Promise<Running<Store>>;

const notes = pgTable("notes", {
  id: bigint({ mode: "bigint" }).primaryKey(),
  text: text().notNull(),
  at: timestamp({ withTimezone: true }),
});
const createNotes = "create table notes (id bigint primary key, text text not null, at timestamptz)";

/** A name no other law uses. */
const anyName = () => `law_${systemPorts.ids.hex(6)}`;

async function running<T>(start: StoreSubject, use: (store: Store) => Promise<T>): Promise<T> {
  const { api, stop } = await start();
  try {
    return await use(api);
  } finally {
    await stop?.();
  }
}

const law = (law: string, use: (store: Store) => Promise<void>) => ({
  law,
  check: (start: StoreSubject) => running(start, use),
});

const onDatabase = (sentence: string, use: (database: Database, store: Store) => Promise<void>) =>
  law(sentence, async (store) => use(await store.database(anyName()), store));

async function withMigrations(migrations: readonly string[], use: (folder: string) => Promise<void>): Promise<void> {
  const folder = writeMigrations(...migrations);
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The contract of `store` as laws; see docs/spi/store.md. */
export const storeConformance = conformance<StoreSubject>("store", [
  onDatabase("keeps what is written through sql for orm, and the other way round", async ({ sql, orm }) => {
    await sql.unsafe(createNotes);
    await sql`insert into notes (id, text) values (1, ${"by sql"})`;
    await orm.insert(notes).values({ id: 2n, text: "by orm" });
    const all = await orm.select({ id: notes.id, text: notes.text }).from(notes).orderBy(notes.id);
    assert.deepEqual(all, [
      { id: 1n, text: "by sql" },
      { id: 2n, text: "by orm" },
    ]);
    assert.deepEqual([...(await sql`select id, text from notes order by id`)], all);
  }),
  law("gives the same object for the same name, also when asked at once", async (store) => {
    const name = anyName();
    const [one, other] = await Promise.all([store.database(name), store.database(name)]);
    assert.equal(one, other);
    assert.equal(await store.database(name), one);
    assert.equal(one.name, name);
  }),
  law("keeps databases apart", async (store) => {
    const [one, other] = await Promise.all([store.database(anyName()), store.database(anyName())]);
    await one.sql.unsafe(createNotes);
    await assert.rejects(async () => other.sql`select * from notes`, { code: "42P01" });
  }),
  {
    law: "keeps data over a stop",
    check: async (start: StoreSubject) => {
      const name = anyName();
      await running(start, async (store) => {
        await (await store.database(name)).sql.unsafe(`${createNotes}; insert into notes values (1, 'kept')`);
      });
      await running(start, async (store) => {
        const { sql } = await store.database(name);
        assert.deepEqual([...(await sql`select text from notes`)], [{ text: "kept" }]);
      });
    },
  },
  {
    law: "keeps a prepared transaction over a stop",
    check: async (start: StoreSubject) => {
      const name = anyName();
      await running(start, async (store) => {
        const { sql } = await store.database(name);
        await sql.unsafe(createNotes);
        await sql.begin(async (tx) => {
          await tx`insert into notes values (1, 'prepared')`;
          await tx.prepare(name);
        });
      });
      await running(start, async (store) => {
        const { sql } = await store.database(name);
        assert.deepEqual([...(await sql`select text from notes`)], []);
        await sql.unsafe(`commit prepared '${name}'`);
        assert.deepEqual([...(await sql`select text from notes`)], [{ text: "prepared" }]);
      });
    },
  },
  onDatabase("tells how others reach the database", async ({ address, sql }) => {
    const [row] = await sql`select current_database() as database, current_user as username`;
    assert.deepEqual({ ...row }, { database: address.database, username: address.username });
    const [{ port } = {}] = await sql`select inet_server_port() as port`;
    assert.equal(port, address.port);
  }),
  onDatabase("keeps every text and the order of its characters", async ({ sql }) => {
    const texts = ["", "naïve", "榫卯", "🪵", "a\tb\nc", "'; drop table notes; --", "\\x00", "ﬁ\u0301"];
    const [row] = await sql`select ${texts}::text[] as texts, pg_encoding_to_char(encoding) as encoding
      from pg_database where datname = current_database()`;
    assert.deepEqual({ ...row }, { texts, encoding: "UTF8" });
  }),
  onDatabase("reads and writes dates and 64-bit integers both ways", async ({ sql, orm }) => {
    await sql.unsafe(createNotes);
    const at = new Date("2026-02-28T23:59:59.999Z");
    const id = 9_007_199_254_740_993n;
    await orm.insert(notes).values({ id, text: "orm", at });
    await sql`insert into notes (id, text, at) values (${-id}, 'sql', ${at})`;
    assert.deepEqual(await orm.select().from(notes).where(eq(notes.text, "sql")), [{ id: -id, text: "sql", at }]);
    assert.deepEqual([...(await sql`select * from notes where text = 'orm'`)], [{ id, text: "orm", at }]);
  }),
  onDatabase("undoes a transaction that fails, through sql and orm", async ({ sql, orm }) => {
    await sql.unsafe(createNotes);
    const failing = orm.transaction(async (tx) => {
      await tx.insert(notes).values({ id: 1n, text: "lost" });
      throw new Error("as planned");
    });
    await assert.rejects(failing, /as planned/);
    await assert.rejects(
      sql.begin(async (tx) => {
        await tx`insert into notes (id, text) values (2, 'lost')`;
        await tx`insert into notes (id, text) values (2, 'twice')`;
      }),
      { code: "23505" },
    );
    assert.deepEqual(await orm.select().from(notes), []);
  }),
  onDatabase("applies migrations once, however often and by however many at once", (database) =>
    withMigrations([createNotes, "insert into notes values (1, 'once')"], async (folder) => {
      await Promise.all(Array.from({ length: 5 }, () => database.migrate(folder)));
      await database.migrate(folder);
      assert.deepEqual(await database.orm.select({ text: notes.text }).from(notes), [{ text: "once" }]);
    }),
  ),
  onDatabase("applies only the migrations that are new", async (database) => {
    await withMigrations([createNotes], (folder) => database.migrate(folder));
    await withMigrations([createNotes, "insert into notes values (1, 'later')"], (folder) => database.migrate(folder));
    assert.deepEqual(await database.orm.select({ text: notes.text }).from(notes), [{ text: "later" }]);
  }),
  onDatabase("applies nothing of migrations that fail, and says which and why", async (database) => {
    await withMigrations([createNotes, "insert into nowhere values (1)"], async (folder) => {
      await assert.rejects(database.migrate(folder), (error: Error & { code?: string }) => {
        assert.equal(error.code, "STORE_MIGRATION_FAILED");
        assert.match(error.message, /"nowhere" does not exist/);
        assert.ok(error.message.includes(folder) && error.message.includes(database.name));
        return true;
      });
    });
    await withMigrations([createNotes], (folder) => database.migrate(folder));
  }),
  onDatabase("says which folder has no migrations", async (database) => {
    await assert.rejects(database.migrate("/no/such/folder"), {
      code: "STORE_MIGRATIONS_MISSING",
      message: /in \/no\/such\/folder/,
    });
  }),
  law("refuses names that PostgreSQL or a shell would take apart", async (store) => {
    for (const name of ["", "Upper", "1st", 'a"b', "a b", "a;b", "ä", "x".repeat(64), "-a"]) {
      await assert.rejects(store.database(name), { code: "STORE_NAME_INVALID" }, JSON.stringify(name));
    }
    assert.ok(await store.database(`${anyName()}-with_all`));
  }),
  {
    law: "lets work that was begun finish when it stops, and takes no new",
    check: async (start: StoreSubject) => {
      const { api, stop } = await start();
      const { sql, orm } = await api.database(anyName());
      await sql.unsafe(createNotes);
      let open = 31; // more than there are connections
      const queries = Array.from({ length: 30 }, (_, id) => insertSlowly(sql, id));
      const transaction = orm.transaction(async (tx) => {
        await tx.execute(fragment`select pg_sleep(0.02)`);
        await tx.insert(notes).values({ id: 1000n, text: "in time" });
      });
      for (const work of [...queries, transaction]) work.then(() => open--, assert.fail);
      await stop?.();
      assert.equal(open, 0);
      await assert.rejects(async () => sql`select 1`, { code: "CONNECTION_ENDED" });
      await assert.rejects(api.database(anyName()), { code: "STORE_STOPPED" });
    },
  },
  law("opens a database again whose opening failed", async (store) => {
    await assert.rejects(store.database("Wrong"), { code: "STORE_NAME_INVALID" });
    await assert.rejects(store.database("Wrong"), { code: "STORE_NAME_INVALID" });
    assert.ok(await store.database(anyName()));
  }),
]);

async function insertSlowly(sql: Database["sql"], id: number): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`select pg_sleep(0.02)`;
    await tx`insert into notes (id, text) values (${id}, 'slow')`;
  });
}
