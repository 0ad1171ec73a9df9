import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { background } from "../../call/call-context.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { coordinatorHere, everything, holder } from "./sweep.fixture.ts";
import { sweepEach } from "./sweep.ts";

await onServer(
  "a sweep through many branches",
  () => postgresServer({ ours: true }),
  (server) => {
    it("keeps no other from its end where a branch fails, and tells which and why", async () => {
      const coordinator = coordinatorHere();
      await using at = await holder(server, coordinator);
      const { sql } = at.bank.performer.database;
      const [first, second] = [randomUUID(), randomUUID()];
      await at.drive(first, "reserve", "tcc", coordinator.identity);
      await at.drive(second, "reserve", "tcc", coordinator.identity);
      // Nobody performs what the older one was reserved with any more.
      await sql`update mortise_fence set operations = 'gone@1' where gid = ${first}`;
      const swept = await at.sweepFor();
      assert.deepEqual([swept.gids.length, swept.ended], [2, 1]);
      assert.deepEqual(
        swept.failed.map(({ gid, branch, why }) => [
          gid,
          branch,
          /cannot cancel gone@1: it has no such operation/.test(why),
        ]),
        [[first, "b1", true]],
      );
      const said = at.log.lines.find(({ message }) => message === "a branch could not be brought to its end");
      const { error, ...fields } = said?.fields ?? {};
      assert.deepEqual(fields, { gid: first, branch: "b1", participant: "test.bank.v1.Bank", operations: "gone@1" });
      assert.ok(error instanceof Error);
      assert.deepEqual(await at.held(), { taken: 0n, held: 30 });
    });

    it("goes on behind branches that cannot be ended, however many they are", { timeout: 300_000 }, async () => {
      const coordinator = coordinatorHere();
      await using at = await holder(server, coordinator);
      await at.holdsBroken(1_203);
      const last = randomUUID();
      await at.drive(last, "reserve", "tcc", coordinator.identity);
      const { gids, ended, failed, more } = await at.sweepFor();
      assert.deepEqual([gids.length, gids.at(-1), ended, failed.length, more], [1_204, last, 1, 1_203, false]);
      assert.deepEqual(await at.held(), { taken: 0n, held: 0 });
    });

    it("goes through so many at once, and the next time through those behind", { timeout: 300_000 }, async () => {
      const coordinator = coordinatorHere();
      await using at = await holder(server, coordinator);
      await at.holdsBroken(5_001);
      await at.drive(randomUUID(), "reserve", "tcc", coordinator.identity);
      const told = await at.sweepFor(coordinator, { reportOnly: true });
      assert.deepEqual([told.gids.length, told.more], [5_000, true]);
      const tried = () => at.log.lines.filter(({ message }) => /could not be brought to its end$/.test(message)).length;
      const looks = () => sweepEach([at.bank], at.sweeper, everything, background);
      await looks();
      assert.deepEqual([tried(), await at.held()], [5_000, { taken: 0n, held: 30 }]);
      await looks();
      assert.deepEqual([tried(), await at.held()], [5_001, { taken: 0n, held: 0 }]);
      await looks();
      assert.equal(tried(), 10_001);
    });

    it("sweeps the others where a participant fails, and says which failed", async () => {
      const coordinator = coordinatorHere();
      await using broken = await holder(server, coordinator);
      await using at = await holder(server, coordinator);
      await at.drive(randomUUID(), "reserve", "tcc", coordinator.identity);
      await broken.database.sql`drop table mortise_fence`;
      const how = everything;
      await sweepEach([broken.bank, at.bank], at.sweeper, how, background);
      assert.deepEqual(await at.held(), { taken: 0n, held: 0 });
      const said = at.log.lines.filter(({ message }) => message.startsWith("the sweep of a participant failed"));
      assert.deepEqual(
        said.map(({ fields }) => fields?.participant),
        ["test.bank.v1.Bank"],
      );
    });
  },
);
