import assert from "node:assert/strict";
import { it } from "node:test";
import { TransactionAdmin } from "../../contract/index.ts";
import { participantService } from "../../contract/transaction/participant.ts";
import { coordinator } from "../../spi/coordinator.ts";
import { banks } from "../../testing/bank-app.ts";
import { eventually } from "../../testing/eventually.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { strategyWorld } from "../../testing/strategy-world.ts";
import { noticingStrategy } from "../../testing/test-strategies.ts";
import { accountsAway, ann, everything } from "./admin.fixture.ts";
import { stateOf } from "./outbox-patience.ts";

await onServer(
  "what people do about what waits in an outbox",
  () => postgresServer({ ours: true }),
  (server) => {
    /** A payment of which the second bank is not told yet, for its accounts are away until they are called back. */
    async function untold() {
      const world = await strategyWorld(server, noticingStrategy);
      const admin = world.app.clients.client(TransactionAdmin);
      const back = await accountsAway(await world.database(1));
      const { gid } = await world.run("pay", { settled: false });
      const { sql } = await world.database(0);
      await eventually(async () => (await sql`select 1 from mortise_outbox where branch = 'b2'`).length > 0, 60_000);
      return { world, admin, sql, gid, back, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
    }

    it("shows what waits in an outbox, and hands it on at once", async () => {
      await using at = await untold();
      const { world, admin, sql, gid } = at;
      const givenUp = () => sql`select 1 from mortise_outbox where branch = 'b2' and state = 'exhausted'`;
      await eventually(async () => (await givenUp()).length > 0, 60_000);
      const waiting = (await admin.show({ gid })).branches.find(({ id }) => id === "b2");
      assert.equal(waiting?.outbox?.state, "exhausted");
      await at.back();
      assert.ok((await admin.retry({ ...ann, gid })).outboxRows >= 1);
      await world.settled();
    });

    it("calls for a person when its schedule is over, and not before", async () => {
      await using at = await untold();
      const { world, admin, sql, gid } = at;
      const summary = async () => (await admin.show({ gid })).summary;
      const stuck = await eventually(async () => {
        const now = await summary();
        if (!now?.stuck) return undefined;
        const rows = await sql`select 1 from mortise_outbox where branch = 'b2' and state = 'exhausted'`;
        assert.equal(rows.length, 1, "it is given up");
        return now;
      }, 60_000);
      assert.match(stuck.lastError, /internal error/);
      await at.back();
      await admin.retry({ ...ann, gid });
      await world.settled();
    });

    it("hands on nothing of what is paused, whoever asks, until it is resumed", async () => {
      await using at = await untold();
      const { world, admin, sql, gid } = at;
      await eventually(async () => (await sql`select 1 from mortise_outbox`).length === 1, 60_000);
      const waits = () =>
        sql`update mortise_outbox set next_at = now() + interval '1 hour' where state = 'ready' returning 1`;
      await eventually(async () => (await waits()).length === 1, 60_000); // so that nobody is at it
      assert.deepEqual((await admin.pause({ ...ann, gid })).silent, []);
      const states = () => sql<{ state: string }[]>`select state from mortise_outbox where gid = ${gid}`;
      const another = async () => {
        const other = await world.run("pay", { settled: false });
        await eventually(async () => (await admin.show({ gid: other.gid })).summary?.status === "committed");
      };
      await at.back();
      await another(); // whatever is due is handed on
      const own = world.app.clients.client(participantService(banks.own.name));
      assert.deepEqual(await own.wake({ gid }), { rows: 0 });
      const retried = await admin.retry({ ...ann, gid });
      assert.deepEqual([retried.outboxRows, retried.paused], [0, [gid]]);
      await another();
      assert.deepEqual([...(await states())], [{ state: "paused" }]);
      assert.equal(await world.balance(1, "bob"), 1_200n, "of the others");
      const { summary, branches } = await admin.show({ gid });
      assert.deepEqual([summary?.paused, summary?.status], [true, "committing"]);
      assert.equal(branches.find(({ id }) => id === "b2")?.outbox?.state, "paused");
      assert.equal((await admin.resume({ ...ann, gid })).outboxRows, 1);
      await world.settled();
      assert.equal(await world.balance(1, "bob"), 1_300n);
    });

    it("calls nobody for what is paused, and hands on once more what had been given up before", async () => {
      await using at = await untold();
      const { world, admin, sql, gid } = at;
      await eventually(async () => (await admin.show({ gid })).summary?.stuck, 60_000);
      await admin.pause({ ...ann, gid });
      const patience = { stuckAfterRounds: 1, stuckAfterMs: 0 };
      assert.equal((await stateOf(sql, gid, patience)).holds, "waiting");
      await at.back();
      await admin.resume({ ...ann, gid });
      await world.settled();
    });

    it("names who does not answer when it is to pause", async () => {
      await using at = await untold();
      const { admin, sql, gid } = at;
      await eventually(async () => (await admin.list({ ...everything, open: true })).transactions[0]?.keptBy === "");
      await sql`alter table mortise_outbox rename to outbox_away`;
      const { silent } = await admin.pause({ ...ann, gid });
      assert.deepEqual(
        silent.map(({ participant }) => participant),
        [banks.own.name],
      );
      assert.equal((await admin.show({ gid })).summary?.paused, true);
      await sql`alter table outbox_away rename to mortise_outbox`;
      await at.back();
    });

    it("takes all of a transaction that is closed by hand out of the outbox, so that nobody does it", async () => {
      await using at = await untold();
      const { admin, sql, gid } = at;
      const { outboxRows, silent } = await admin.close({ ...ann, gid, branch: "", reason: "told by telephone" });
      assert.deepEqual([outboxRows > 0, silent], [true, []]);
      assert.equal((await sql`select 1 from mortise_outbox`).length, 0);
      assert.match((await admin.show({ gid })).summary?.heuristic ?? "", /^closed by ann: told by telephone$/);
      await at.back();
    });

    it("takes a branch that is closed by hand out of the outbox, and the others go on", async () => {
      await using at = await untold();
      const { admin, sql, gid } = at;
      const closed = await admin.close({ ...ann, gid, branch: "b2", reason: "told by telephone" });
      assert.deepEqual(closed, { gids: [gid], outboxRows: 1, silent: [], paused: [] });
      await eventually(async () => (await admin.show({ gid })).summary?.status === "committed", 60_000);
      assert.equal((await sql`select 1 from mortise_outbox`).length, 0);
      assert.match((await admin.show({ gid })).summary?.heuristic ?? "", /^b2 .* closed by ann: told by telephone$/);
      await at.back();
    });

    for (const branch of ["", "b2"])
      it(`says that a person closed ${branch || "it"} also where it ends as soon as the outbox is empty`, async () => {
        await using at = await untold();
        const { admin, world, gid } = at;
        const keeping = world.app.kernel.get(coordinator);
        const { close } = keeping;
        Object.assign(keeping, {
          close: async (...given: Parameters<typeof close>) => {
            await keeping.finish(gid); // as whoever looks at the outbox then does
            return close(...given);
          },
        });
        const { gids } = await admin.close({ ...ann, gid, branch, reason: "told; by telephone" });
        const { summary } = await admin.show({ gid });
        assert.deepEqual([gids, summary?.status], [[gid], "committed"]);
        assert.match(summary?.heuristic ?? "", /^(b2 .* )?closed by ann: told; by telephone$/);
        await at.back();
      });
  },
);
