import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  type Call,
  type ContextChanges,
  callContext,
  type Database,
  type ErrorCode,
  type Invoker,
  noMetadata,
  type Reply,
  StatusError,
  type Store,
  systemPorts,
} from "@mortise/kernel";
import { openDatabase } from "@mortise/kernel/postgres/database";
import { loadDrivers } from "@mortise/kernel/postgres/drivers";
import { inTransaction } from "@mortise/kernel/spi/request-transaction";
import { eventually, onServer, postgresServer, Sample, sampleCall, sampleSite } from "@mortise/kernel/testing";
import { sql } from "drizzle-orm";
import { idempotencyFilter, idempotencyPolicy } from "./idempotency-filter.ts";

const limits = {
  poolSize: 6,
  connectTimeoutMs: 5000,
  idleTimeoutMs: 60_000,
  statementTimeoutMs: 30_000,
  lockTimeoutMs: 0,
  idleTransactionTimeoutMs: 60_000,
  tls: false,
} as const;
const reply = (text: string): Reply => ({ response: { text }, headers: noMetadata, trailers: () => noMetadata });

await onServer(
  "filter/idempotency in a database of PostgreSQL",
  () => postgresServer({ ours: true }),
  (server) => {
    const ends: (() => Promise<void>)[] = [];
    let url: Awaited<ReturnType<typeof server.database>>;
    let processes: readonly Process[];

    type Process = { readonly database: Database; readonly store: Store };

    /** The store as another process has it: with pools of its own. */
    async function process(): Promise<Process> {
      const opened = openDatabase("own", url.address, limits, await loadDrivers(), systemPorts);
      ends.push(() => opened.end(1000));
      return { database: opened.database, store: { database: async () => opened.database } };
    }

    before(async () => {
      url = await server.database();
      processes = [await process(), await process()];
      await processes[0]?.database.orm.execute(sql`create table effect (key text, id serial)`);
    });
    after(async () => {
      await Promise.allSettled(ends.map((end) => end()));
    });

    type Handler = (database: Database, call: Call) => Promise<Reply>;
    const writing: Handler = async (database, { context, request }) => {
      const { key } = request as { key: string };
      await inTransaction(database, context, (tx) => tx.execute(sql`insert into effect (key) values (${key})`));
      return reply(key);
    };

    /** Two processes that handle calls of a method alike, and how often they have. */
    function handled(handler: Handler = writing, settings: object = {}) {
      let runs = 0;
      const invokers = processes.map(({ database, store }): Invoker => {
        const filter = idempotencyFilter({ caches: () => new Map(), store: () => store, transactions: 3 }, systemPorts);
        const policy = { fields: { idempotency: { database: "own", ...settings } } };
        const site = sampleSite({ place: "provider", method: Sample.methods.write, policy });
        const end: Invoker = async (call) => {
          runs++;
          return handler(database, call);
        };
        return filter.wrap(site)?.(end) ?? end;
      });
      const call = async (
        key: string,
        { at = 0, number = 0, ...changes }: ContextChanges & { at?: number; number?: number } = {},
      ) => {
        const context = callContext({ timeoutMs: 20_000, idempotencyKey: key, ...changes }, systemPorts);
        const invoke = invokers[at] as Invoker;
        const { response } = await invoke(
          sampleCall(context, { method: Sample.methods.write, request: { key, number } }),
        );
        return (response as { text: string }).text;
      };
      return { call, runs: () => runs };
    }

    async function effects(key: string): Promise<number> {
      const rows = await processes[0]?.database.orm.execute(sql`select 1 from effect where key = ${key}`);
      return rows?.length ?? -1;
    }

    const gate = () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      return { opened: promise, open: resolve };
    };

    describe("filter/idempotency in the service's database", () => {
      it("does a request once in all processes, and repeats its result", async () => {
        const { call, runs } = handled();
        assert.deepEqual(
          [await call("once"), await call("once"), await call("once", { at: 1 })],
          Array(3).fill("once"),
        );
        assert.deepEqual([runs(), await effects("once")], [1, 1]);
      });

      it("lets duplicates wait for the one that runs, in this process and in others", async () => {
        const { opened, open } = gate();
        const { call, runs } = handled(async (database, call) => {
          await opened;
          return writing(database, call);
        });
        const all = Promise.all(Array.from({ length: 12 }, (_, i) => call("wait", { at: i % 2 })));
        await eventually(() => runs() === 1);
        open();
        assert.deepEqual(await all, Array(12).fill("wait"));
        assert.deepEqual([runs(), await effects("wait")], [1, 1]);
      });

      it("undoes what a handler that fails has done; refusals are kept, other failures are not", async () => {
        const failing = (code: ErrorCode) =>
          handled(async (database, call) => {
            await writing(database, call);
            throw new StatusError(code, "no", { reason: "WHY", details: { a: "1" } });
          });
        for (const [code, expected] of [
          ["FAILED_PRECONDITION", 1],
          ["UNAVAILABLE", 2],
        ] as const) {
          const { call, runs } = failing(code);
          for (const at of [0, 1])
            await assert.rejects(call(code, { at }), { code, message: "no", reason: "WHY", details: { a: "1" } });
          assert.deepEqual([runs(), await effects(code)], [expected, 0]);
        }
        const { call } = handled();
        assert.equal(await call("UNAVAILABLE"), "UNAVAILABLE");
        const mistake = handled(() => Promise.reject(new TypeError("a mistake")));
        await assert.rejects(mistake.call("mistake"), /a mistake/);
      });

      it("lets a part of the handler's work fail without the rest, and does parts one after the other", async () => {
        const { call } = handled(async (database, { context }) => {
          const insert = (key: string, fail = false) =>
            inTransaction(database, context, async (tx) => {
              await tx.execute(sql`insert into effect (key) values (${key})`);
              if (fail) throw new Error("undo");
            });
          await insert("part: one");
          await assert.rejects(insert("part: undone", true), /undo/);
          await Promise.all(["part: two", "part: three"].map((key) => insert(key)));
          return reply("done");
        });
        await call("parts");
        const counts = await Promise.all(["one", "undone", "two", "three"].map((key) => effects(`part: ${key}`)));
        assert.deepEqual(counts, [1, 0, 1, 1]);
      });

      it("shows nothing of a request to others before it is done", async () => {
        const { opened, open } = gate();
        let written = false;
        const { call } = handled(async (database, call) => {
          await writing(database, call);
          written = true;
          await opened;
          return reply("late");
        });
        const late = call("hidden");
        await eventually(() => written);
        assert.equal(await effects("hidden"), 0);
        open();
        await late;
        assert.equal(await effects("hidden"), 1);
      });

      it("gives work that goes on after the answer a transaction of its own", async () => {
        let after: (() => Promise<unknown>) | undefined;
        const { call } = handled(async (database, one) => {
          after = () => writing(database, one);
          return reply("early");
        });
        await call("after");
        await after?.();
        assert.equal(await effects("after"), 1);
      });

      it("refuses a key that comes with another request", async () => {
        const { call } = handled();
        await call("reused", { number: 1 });
        await assert.rejects(call("reused", { number: 2 }), { reason: "IDEMPOTENCY_KEY_REUSED" });
      });

      it("lets a duplicate wait no longer than its deadline, here and elsewhere", async () => {
        const { opened, open } = gate();
        const { call, runs } = handled(async () => {
          await opened;
          return reply("slow");
        });
        const first = call("slow");
        await eventually(() => runs() === 1);
        await Promise.all(
          [0, 1].map((at) => assert.rejects(call("slow", { at, timeoutMs: 300 }), { code: "DEADLINE_EXCEEDED" })),
        );
        open();
        assert.equal(await first, "slow");
      });

      it("forgets results in time", async () => {
        const { call, runs } = handled(writing, { keepMs: 1000 });
        await call("forgotten");
        await eventually(async () => {
          await call("forgotten");
          return runs() === 2;
        });
        assert.equal(await effects("forgotten"), 2);
      });

      it("stands many requests at once, more than there are connections, whose handlers need others besides", async () => {
        const { call } = handled(async (database, call) => {
          await database.orm.execute(sql`select 1`);
          return writing(database, call);
        });
        const keys = Array.from({ length: 40 }, (_, i) => `many ${i}`);
        assert.deepEqual(await Promise.all(keys.map((key) => call(key))), keys);
      });

      it("does nothing while the database is away, and goes on when it is back", async () => {
        const { call, runs } = handled();
        await call("before");
        await server.shutdown();
        await assert.rejects(call("away"), { code: "UNAVAILABLE", reason: "IDEMPOTENCY_UNAVAILABLE" });
        assert.equal(runs(), 1);
        await server.restart();
        assert.equal(await eventually(() => call("away").catch(() => undefined)), "away");
        assert.equal(await effects("away"), 1);
      });

      it("wants either a cache or a database, and a store for that", () => {
        const schema = idempotencyPolicy.schemas.idempotency;
        for (const bad of [{}, { cache: "a", database: "b" }]) {
          const result = schema?.["~standard"].validate(bad);
          assert.ok(result && !(result instanceof Promise) && result.issues);
        }
        const filter = idempotencyFilter(
          { caches: () => new Map(), store: () => undefined, transactions: 3 },
          systemPorts,
        );
        const policy = { fields: { idempotency: { database: "own" } } };
        const site = sampleSite({ place: "provider", method: Sample.methods.write, policy });
        assert.throws(() => filter.wrap(site), /no store is selected/);
      });
    });
  },
);
