import assert from "node:assert/strict";
import { it } from "node:test";
import { systemPorts, type Timer } from "@mortise/kernel";
import { coordinatorConformance, sampleTransaction } from "@mortise/kernel/spi/coordinator.conformance";
import { eventually, onServer, postgresServer, type TestDatabase } from "@mortise/kernel/testing";
import { beginAll } from "./begin.ts";
import { openOn } from "./processes.fixture.ts";

await onServer(
  "coordinator/postgres on a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => {
    for (const batching of [true, false]) {
      coordinatorConformance({
        name: batching ? "postgres" : "postgres without batching",
        async make() {
          const database = await server.database();
          return { subject: { open: () => openOn(database, { options: { batching } }) }, end: database.drop };
        },
      });
    }

    type Process = Awaited<ReturnType<typeof openOn>>;

    /** One process on a database of its own. */
    async function alone(
      given: Parameters<typeof openOn>[1],
      test: (process: Process, on: TestDatabase) => Promise<void>,
    ) {
      const database = await server.database();
      const process = await openOn(database, given);
      try {
        await test(process, database);
      } finally {
        await process.stop();
        await database.drop();
      }
    }

    it("makes its tables once when many processes start at the same moment", async () => {
      const database = await server.database();
      const all = await Promise.all(Array.from({ length: 5 }, () => openOn(database)));
      assert.deepEqual(
        [...(await (all[0] as Process).sql`select version from mortise_transaction_version`)],
        [{ version: 1 }],
      );
      for (const { stop } of all) await stop();
      await database.drop();
    });

    it("refuses tables that a newer one has made", () =>
      alone({}, async ({ sql }, database) => {
        await sql`update mortise_transaction_version set version = 99`;
        await assert.rejects(openOn(database), { code: "FAILED_PRECONDITION", message: /version 99.*update Mortise/ });
      }));

    it("waits for the disk also on a server that does not", () =>
      alone({}, async ({ api, sql }) => {
        await Promise.all(Array.from({ length: 6 }, () => sql`select pg_sleep(0.01)`)); // opens every connection
        const settings = await Promise.all(
          Array.from({ length: 6 }, () => sql`select current_setting('synchronous_commit') as it, pg_sleep(0.01)`),
        );
        assert.deepEqual(new Set(settings.map(([row]) => row?.it)), new Set(["on"]));
        assert.deepEqual(await api.health(), { durable: false, replicated: false }); // the test server has fsync off
      }));

    it("puts what is asked for together into few transactions of the database, and not without batching", async () => {
      const commits = async (batching: boolean) => {
        let count = 0;
        await alone({ options: { batching } }, async ({ api, sql }) => {
          const xid = async () => Number((await sql`select pg_current_xact_id()::text as xid`)[0]?.xid);
          const before = await xid();
          await Promise.all(
            Array.from({ length: 300 }, async () => {
              const sample = sampleTransaction();
              await api.begin(sample, "me", 1000);
              await api.decide(sample.gid, "committing", {});
              await api.finish(sample.gid);
            }),
          );
          count = (await xid()) - before;
        });
        return count;
      };
      assert.ok((await commits(true)) < 100);
      assert.ok((await commits(false)) >= 900);
    });

    it("refuses what it cannot keep, and that alone of a batch", () =>
      alone({}, async ({ api }) => {
        const [good, bad, other] = [sampleTransaction(), sampleTransaction({ name: "a\0b" }), sampleTransaction()];
        const outcomes = await Promise.allSettled([good, bad, other].map((one) => api.begin(one, "me", 1000)));
        assert.deepEqual(
          outcomes.map(({ status }) => status),
          ["fulfilled", "rejected", "fulfilled"],
        );
        assert.equal((outcomes[1] as PromiseRejectedResult).reason.code, "INVALID_ARGUMENT");
        assert.deepEqual((await api.find({})).length, 2);
      }));

    it("keeps errors and reasons with any character in them", () =>
      alone({}, async ({ api }) => {
        const [{ gid }, odd] = [sampleTransaction(), "a\0b \ud800 \\u0000 'ä' \"{},"];
        await api.decide(gid, "aborting", { abort: { reason: "X", message: odd, step: "", details: { odd } } });
        await api.note(gid, { lastError: odd, heuristic: odd, done: [odd] }).catch(() => undefined);
        await api.note(gid, { lastError: odd });
        await api.audit({ gid, action: "retry", by: "ann", reason: odd });
        const record = await api.get(gid);
        assert.match(record?.lastError ?? "", /^a\ufffdb /);
        assert.match(record?.abort?.message ?? "", /b/);
      }));

    it("knows the row of its own begin when that is sent once more", () =>
      alone({}, async ({ sql, api }) => {
        const begin = { begun: sampleTransaction(), id: crypto.randomUUID(), owner: "me", leaseMs: 1000 };
        assert.deepEqual(await beginAll(sql, [begin]), [undefined]);
        assert.deepEqual(await beginAll(sql, [begin]), [undefined]);
        const [there] = await beginAll(sql, [{ ...begin, id: crypto.randomUUID() }]);
        assert.equal(there?.gid, begin.begun.gid);
        await api.decide(begin.begun.gid, "aborting", {});
        assert.equal((await beginAll(sql, [begin]))[0]?.status, "aborting");
        const refused = { ...begin, begun: sampleTransaction({ status: "aborting" }) };
        assert.deepEqual(await beginAll(sql, [refused]), [undefined]);
        assert.deepEqual(await beginAll(sql, [refused]), [undefined]);
        const asked = { ...refused, begun: { ...refused.begun, gid: crypto.randomUUID() } };
        await api.inquire(asked.begun.gid);
        for (let time = 0; time < 2; time++) assert.equal((await beginAll(sql, [asked]))[0]?.abort?.reason, "ORPHAN"); // somebody else's abort
      }));

    it("updates a transaction in place until it ends", () =>
      alone({}, async ({ api, sql }) => {
        const samples = Array.from({ length: 50 }, () => sampleTransaction());
        await Promise.all(samples.map((sample) => api.begin(sample, "me", 1000)));
        await Promise.all(samples.map(({ gid }) => api.decide(gid, "committing", {})));
        const hot = await eventually(async () => {
          await sql`select pg_stat_force_next_flush()`;
          const [row] = await sql`
            select n_tup_upd::int as all, n_tup_hot_upd::int as hot from pg_stat_user_tables
            where relname = 'mortise_transaction'`;
          return row?.all === 50 && (row as { hot: number });
        });
        assert.equal(hot.hot, 50);
      }));

    it("removes what has ended long ago, and nothing else", async () => {
      let run: () => void = () => undefined;
      const every = (_: number, given: () => void): Timer => {
        run = given;
        return { cancel: () => undefined };
      };
      const ports = { ...systemPorts, timers: { ...systemPorts.timers, every } };
      await alone({ ports, options: { retentionDays: 2 } }, async ({ api, sql }) => {
        assert.equal(api.keepsEndedMs, 2 * 86_400_000);
        const samples = Array.from({ length: 2500 }, () => sampleTransaction());
        await Promise.all(samples.map((sample) => api.begin(sample, "me", 1000)));
        const [first, second, third, ...old] = samples.map(({ gid }) => gid) as [string, string, string, string];
        await Promise.all([first, second, ...old].map((gid) => api.decide(gid, "committing", {})));
        await Promise.all([second, ...old].map((gid) => api.finish(gid)));
        await api.audit({ gid: old[0], action: "retry", by: "ann", reason: "" });
        await sql`
          update mortise_transaction set created_at = created_at - interval '3 days',
            ended_at = ended_at - case when gid = ${second} then interval '47 hours' else interval '49 hours' end`;
        run();
        const left = await eventually(async () => {
          const found = await api.find({ limit: 3000 });
          return found.length === 3 && found;
        });
        assert.deepEqual(new Set(left.map(({ gid }) => gid)), new Set([first, second, third]));
        assert.equal((await api.audits(old[0])).length, 1);
      });
    });

    it("ends an abort nobody has begun, after half a minute", () =>
      alone({}, async ({ api, sql }) => {
        const [early, late] = [sampleTransaction().gid, sampleTransaction().gid];
        await api.inquire(early);
        await sql`update mortise_transaction set next_at = next_at - interval '31 s'`;
        await api.inquire(late);
        await api.claim({ owner: "me", names: ["placeOrder"], limit: 1, leaseMs: 1000 });
        assert.equal((await api.get(early))?.status, "aborted");
        assert.equal((await api.get(late))?.status, "aborting");
      }));
  },
);
