import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { begunBy, clean, coordinatorHere, holder, holding, strategyOf } from "./sweep.fixture.ts";

await onServer(
  "a sweep of what another coordinator keeps",
  () => postgresServer({ ours: true }),
  (server) => {
    for (const action of holding) {
      const strategy = strategyOf(action);

      it(`never asks another coordinator than the one that keeps it, and says so once (${action})`, async () => {
        const [keeper, other] = [coordinatorHere(), coordinatorHere()];
        await using at = await holder(server, keeper);
        const gid = await begunBy(keeper, strategy, 60_000);
        await at.drive(gid, action, strategy, keeper.identity);
        await keeper.decide(gid, "committing", {});
        for (const nobody of [other, coordinatorHere("")])
          assert.deepEqual(await at.sweepFor(nobody), { gids: [], ended: 0, foreign: [gid], ...clean });
        assert.deepEqual(await at.held(), { taken: 0n, held: 30 });
        assert.equal(await other.get(gid), undefined);
        const said = at.log.lines.filter(({ level }) => level === "error");
        assert.deepEqual([said.length, /DTX021/.test(said[0]?.message ?? "")], [1, true]);
        assert.deepEqual(await at.sweepFor(keeper), { gids: [gid], ended: 1, foreign: [], ...clean });
        assert.deepEqual(await at.held(), { taken: 30n, held: 0 });
      });

      it(`takes back what a coordinator kept that is gone for good, when a person says so (${action})`, async () => {
        const [gone, here] = [coordinatorHere(), coordinatorHere()];
        await using at = await holder(server, gone);
        const gid = randomUUID();
        await at.drive(gid, action, strategy, gone.identity);
        const abandon = (reportOnly: boolean) => at.sweepFor(here, { reportOnly, foreign: true });
        assert.deepEqual(await abandon(true), { gids: [], ended: 0, foreign: [gid], ...clean });
        assert.deepEqual(await at.held(), { taken: 0n, held: 30 });
        assert.deepEqual(await abandon(false), { gids: [], ended: 1, foreign: [gid], ...clean });
        assert.deepEqual(await at.held(), { taken: 0n, held: 0 });
        assert.equal(await here.get(gid), undefined);
      });

      it(`refuses to hold anything for another coordinator (${action})`, async () => {
        const coordinator = coordinatorHere();
        await using at = await holder(server, coordinator);
        const asked = at.drive(randomUUID(), action, strategy, randomUUID());
        await assert.rejects(asked, { code: "FAILED_PRECONDITION", reason: "DTX021" });
        await assert.rejects(at.drive(randomUUID(), action, strategy, "x'"), { code: "INVALID_ARGUMENT" });
        assert.deepEqual(await at.held(), { taken: 0n, held: 0 });
      });
    }
  },
);
