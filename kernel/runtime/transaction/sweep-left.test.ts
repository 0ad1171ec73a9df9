import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { background } from "../../call/call-context.ts";
import type { Coordinator } from "../../spi/coordinator.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { encodeKept } from "./kept.ts";
import { backOf, begunBy, clean, coordinatorHere, everything, holder, holding, strategyOf } from "./sweep.fixture.ts";
import { sweepEach } from "./sweep.ts";

/** A coordinator where a person does something just as a sweep has asked it how a transaction was decided. */
const meanwhile = (coordinator: Coordinator, act: (gid: string) => Promise<unknown>): Coordinator => ({
  ...coordinator,
  async inquire(gid) {
    const status = await coordinator.inquire(gid);
    await act(gid);
    return status;
  },
});

await onServer(
  "a sweep of what is to be left alone",
  () => postgresServer({ ours: true }),
  (server) => {
    for (const action of holding) {
      const strategy = strategyOf(action);

      it(`leaves alone what is paused, decided or not, until it goes on (${action})`, async () => {
        const coordinator = coordinatorHere();
        await using at = await holder(server, coordinator);
        const gid = await begunBy(coordinator, strategy, 0);
        await at.drive(gid, action, strategy, coordinator.identity);
        await coordinator.pause(gid, true);
        for (const decision of ["active", "committing"] as const) {
          if (decision !== "active") await coordinator.decide(gid, decision, {});
          assert.deepEqual(await at.sweepFor(), { gids: [gid], ended: 0, foreign: [], ...clean });
          assert.equal((await coordinator.get(gid))?.status, decision);
        }
        assert.deepEqual(await at.held(), { taken: 0n, held: 30 });
        await coordinator.pause(gid, false);
        assert.equal((await at.sweepFor()).ended, 1);
        assert.deepEqual(await at.held(), { taken: 30n, held: 0 });
      });

      it(`leaves alone what a person closes or pauses while it runs (${action})`, async () => {
        const coordinator = coordinatorHere();
        await using at = await holder(server, coordinator);
        const close = async (gid: string) => {
          await coordinator.audit({ gid, action: "close", by: "ann", reason: "booked by hand" });
          await coordinator.close(gid, "closed by ann: booked by hand");
        };
        for (const act of [close, (gid: string) => coordinator.pause(gid, true)]) {
          const gid = await begunBy(coordinator, strategy, 0);
          await at.drive(gid, action, strategy, coordinator.identity);
          await coordinator.decide(gid, "committing", {});
          const { ended, failed, closed } = await at.sweepFor(meanwhile(coordinator, act));
          assert.deepEqual([ended, failed, closed], [0, [], act === close ? [gid] : []]);
          assert.deepEqual(await at.held(), { taken: 0n, held: 30 });
          await at.drive(gid, backOf(action), strategy, undefined);
        }
        assert.equal(at.log.lines.filter(({ message }) => /closed by hand/.test(message)).length, 1);
      });
    }

    it("leaves to its driver what may have been done outside of what commits, and what asks nobody", async () => {
      const coordinator = coordinatorHere();
      await using at = await holder(server, coordinator);
      const intends = (gid: string, strategy: string, kept: Parameters<typeof encodeKept>[0]) => at.database.sql`
        insert into mortise_fence (gid, branch, slot, kind, strategy, operations, kept)
        values (${gid}, 'b1', 'R', 'intent', ${strategy}, 'take@1', ${encodeKept(kept)})`;
      const [commits, follows, others] = [await begunBy(coordinator, "message", 0), randomUUID(), randomUUID()];
      const { identity } = coordinator;
      const none = { steps: [], results: [] };
      await coordinator.decide(commits, "committing", {});
      await intends(commits, "message", { ...none, coordinator: identity });
      await intends(follows, "outbox", { ...none, coordinator: identity, asksNobody: true });
      await intends(others, "outbox", { ...none, coordinator: randomUUID(), asksNobody: true });
      const nowhere = { ...at.sweeper, factsOf: () => undefined };
      await sweepEach([at.bank], nowhere, everything, background);
      for (const foreign of [false, true])
        assert.deepEqual(await at.sweepFor(coordinator, { foreign }), {
          ...{ gids: [commits], ended: 0, foreign: [] },
          ...clean,
        });
      await at.database.sql`
        insert into mortise_fence (gid, branch, slot, kind, strategy, operations)
        select gid, branch, 'F', 'cancel', strategy, operations from mortise_fence`;
      const { gids, ended } = await at.sweepFor();
      assert.deepEqual(
        [new Set(gids), ended],
        [new Set([commits, follows, others]), 3],
        "it is given back, as its row says",
      );
      assert.equal(await coordinator.get(follows), undefined, "nobody was asked");
      assert.deepEqual(
        at.log.lines.filter(({ level }) => level === "error"),
        [],
      );
    });

    it("remembers what it has listed of a database, and nothing of it when a participant gets another", async () => {
      const coordinator = coordinatorHere();
      await using before = await holder(server, coordinator);
      await using after = await holder(server, coordinator);
      await after.drive(randomUUID(), "reserve", "tcc", coordinator.identity);
      await after.database.sql`update mortise_fence set created_at = created_at - interval '1 hour'`;
      await sweepEach([before.bank], before.sweeper, everything, background);
      await sweepEach([before.bank, after.bank], before.sweeper, everything, background);
      assert.deepEqual(await after.held(), { taken: 0n, held: 0 });
    });
  },
);
