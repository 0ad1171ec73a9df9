import assert from "node:assert/strict";
import { after, it } from "node:test";
import { sql as text } from "drizzle-orm";
import { callContext } from "../call/call-context.ts";
import { receivedContext } from "../call/server-context.ts";
import type { StatusError } from "../call/status.ts";
import { systemPorts } from "../core/ports.ts";
import type { ConnectionOptions } from "../postgres/connection.ts";
import { type OpenDatabase, openDatabase } from "../postgres/database.ts";
import { loadDrivers } from "../postgres/drivers.ts";
import type { Database } from "../spi/store.ts";
import { Echo } from "../testing/echo-contract.ts";
import { keptLog } from "../testing/logs.ts";
import { onServer } from "../testing/on-server.ts";
import { postgresServer } from "../testing/postgres-server.ts";
import { handling } from "./handler.ts";

const options: ConnectionOptions = {
  ...{ poolSize: 2, connectTimeoutMs: 2_000, idleTimeoutMs: 60_000, statementTimeoutMs: 10_000 },
  ...{ lockTimeoutMs: 0, idleTransactionTimeoutMs: 60_000, tls: false },
};

type Use = (database: Database, lose: () => Promise<void>) => Promise<unknown>;

/** Ways a handler uses its database; each loses it at some moment. */
const uses: Readonly<Record<string, Use>> = {
  "before a statement": async ({ sql }, lose) => {
    await lose();
    return sql`select 1`;
  },
  "before a statement of drizzle": async ({ orm }, lose) => {
    await lose();
    return orm.execute(text`select 1`);
  },
  "under a statement": async ({ sql }, lose) => {
    const sleeping = sql`select pg_sleep(30)`.execute();
    const [ended] = await Promise.allSettled([sleeping, lose()]);
    if (ended.status === "rejected") throw ended.reason;
    return ended.value;
  },
  "within a transaction": ({ sql }, lose) =>
    sql.begin(async (tx) => {
      await tx`select 1`;
      await lose();
      return tx`select 2`;
    }),
  "within a transaction of drizzle": ({ orm }, lose) =>
    orm.transaction(async (tx) => {
      await tx.execute(text`select 1`);
      await lose();
      return tx.execute(text`select 2`);
    }),
};

await onServer(
  "a handler whose database goes away",
  () => postgresServer({ ours: true }),
  (server) => {
    const open: OpenDatabase[] = [];
    after(() => Promise.all(open.map(({ end }) => end(100))));

    async function opened(): Promise<Database> {
      const { address } = await server.database();
      const made = openDatabase("lost", address, options, await loadDrivers(), systemPorts);
      open.push(made);
      return made.database;
    }

    function answerOf(use: Use, database: Database, lose: () => Promise<void>): Promise<StatusError | string> {
      const log = keptLog();
      const { bytes } = Echo.methods;
      const invoke = handling(bytes, () => use(database, lose), { log, ids: systemPorts.ids });
      const reply = invoke({ method: bytes, request: {}, context: receivedContext(callContext()) });
      return reply.then(
        () => "done",
        (error: StatusError) => error,
      );
    }

    for (const [when, use] of Object.entries(uses))
      it(`is UNAVAILABLE, and no bug: ${when}`, async () => {
        const database = await opened();
        await database.sql`select 1`;
        let gone: Promise<void> | undefined;
        const lose = () => {
          gone = server.shutdown();
          return gone;
        };
        const told = await answerOf(use, database, lose);
        await gone; // a transaction that is cut off does not wait for it
        await server.restart();
        assert.ok(typeof told === "object");
        assert.deepEqual([told.code, told.reason], ["UNAVAILABLE", "STORE_LOST"], String(told.cause));
      });

    it("is a bug where the database answers that a statement is wrong", async () => {
      const told = await answerOf(
        ({ sql }) => sql`select nothing_like_it`,
        await opened(),
        async () => undefined,
      );
      assert.equal(typeof told === "object" && told.code, "INTERNAL");
    });
  },
);
