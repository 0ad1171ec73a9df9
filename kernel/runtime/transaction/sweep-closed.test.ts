import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { backOf, begunBy, clean, coordinatorHere, holder, holding, strategyOf } from "./sweep.fixture.ts";

await onServer(
  "a sweep of what a person has closed",
  () => postgresServer({ ours: true }),
  (server) => {
    for (const action of holding) {
      const strategy = strategyOf(action);

      it(`leaves alone what a person has closed, and ends it when a person says so (${action})`, async () => {
        const coordinator = coordinatorHere();
        await using at = await holder(server, coordinator);
        const gid = await begunBy(coordinator, strategy, undefined);
        await at.drive(gid, action, strategy, coordinator.identity);
        await coordinator.decide(gid, "committing", {});
        await coordinator.audit({ gid, action: "close", by: "ann", reason: "booked by hand" });
        await coordinator.close(gid, "closed by ann: booked by hand");
        for (const reportOnly of [true, false, false])
          assert.deepEqual(await at.sweepFor(coordinator, { reportOnly }), {
            ...{ gids: [], ended: 0, foreign: [], failed: [], more: false },
            closed: [gid],
          });
        assert.deepEqual(await at.held(), { taken: 0n, held: 30 });
        assert.equal(at.log.lines.filter(({ message }) => /closed by hand/.test(message)).length, 1);
        const ended = await at.sweepFor(coordinator, { closed: true });
        assert.deepEqual(ended, { gids: [gid], ended: 1, foreign: [], ...clean });
        assert.deepEqual(await at.held(), { taken: 30n, held: 0 });
      });

      it(`guesses nothing about what was closed so long ago that its record is gone (${action})`, async () => {
        const coordinator = coordinatorHere();
        await using at = await holder(server, coordinator);
        const gid = randomUUID();
        await at.drive(gid, action, strategy, coordinator.identity);
        await coordinator.audit({ gid, action: "close b1", by: "ann", reason: "booked by hand" });
        assert.deepEqual((await at.sweepFor()).closed, [gid]);
        const { ended, failed } = await at.sweepFor(coordinator, { closed: true });
        assert.deepEqual([ended, failed.map(({ why }) => /its record is gone/.test(why))], [0, [true]]);
        assert.deepEqual(await at.held(), { taken: 0n, held: 30 });
        await at.drive(gid, backOf(action), strategy, undefined);
      });
    }

    it("sweeps what somebody wanted to close and did not", async () => {
      const coordinator = coordinatorHere();
      await using at = await holder(server, coordinator);
      for (const failed of [[], ["close failed"]]) {
        const gid = await begunBy(coordinator, "tcc", undefined);
        await at.drive(gid, "reserve", "tcc", coordinator.identity);
        for (const action of ["close", ...failed]) await coordinator.audit({ gid, action, by: "ann", reason: "x" });
        await coordinator.decide(gid, "aborting", {});
        assert.deepEqual(await at.sweepFor(), { gids: [gid], ended: 1, foreign: [], ...clean });
      }
    });
  },
);
