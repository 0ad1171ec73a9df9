import assert from "node:assert/strict";
import { it } from "node:test";
import { TransactionAdmin } from "../../contract/index.ts";
import { coordinator } from "../../spi/coordinator.ts";
import { eventually } from "../../testing/eventually.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { strategyWorld } from "../../testing/strategy-world.ts";
import { noticingStrategy } from "../../testing/test-strategies.ts";
import { accountsAway, ann } from "./admin.fixture.ts";

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
