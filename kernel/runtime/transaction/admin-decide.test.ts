import assert from "node:assert/strict";
import { it } from "node:test";
import { sampleTransaction } from "../../spi/coordinator.conformance.ts";
import { coordinator } from "../../spi/coordinator.ts";
import { onServer } from "../../testing/on-server.ts";
import { adminWorld, ann, money } from "./admin.fixture.ts";

await onServer(
  "what people decide about transactions, and when these go on",
  adminWorld,
  ({ world, admin, undecided }) => {
    it("aborts by hand what is undecided, once, and says so in the history", async () => {
      const before = await world.balance(0, "alice");
      const gid = await undecided();
      assert.deepEqual(await admin.force({ ...ann, gid, outcome: "abort" }), { status: "aborting" });
      await assert.rejects(admin.force({ ...ann, gid, outcome: "commit" }), { reason: "ALREADY_DECIDED" });
      await admin.resume({ ...ann, gid });
      await world.settled();
      const { summary, events } = await admin.show({ gid });
      assert.deepEqual([summary?.status, summary?.abortReason], ["aborted", "FORCED"]);
      assert.equal(await world.balance(0, "alice"), before);
      assert.deepEqual(
        events.filter(({ what }) => what === "audit").map(({ by, note }) => [by, note]),
        [
          ["ann", "force abort: it looks odd"],
          ["ann", "resume: it looks odd"],
        ],
      );
    });

    it("commits by hand only what every branch has voted for, and asks for the votes that are missing", async () => {
      const gid = await undecided({ reserved: 1 });
      assert.deepEqual(await admin.force({ ...ann, gid, outcome: "commit" }), { status: "committing" });
      await admin.resume({ ...ann, gid });
      await world.settled();
      assert.equal((await admin.show({ gid })).summary?.status, "committed");

      const poor = await world.left("collect", { ...money, sponsor: "bonus" }, "active", {
        paused: true,
        reserved: 1,
      });
      await assert.rejects(admin.force({ ...ann, gid: poor, outcome: "commit" }), {
        reason: "CANNOT_COMMIT",
        message: /at step also/,
      });
      const { summary, events } = await admin.show({ gid: poor });
      assert.equal(summary?.status, "active");
      assert.match(events.at(-1)?.note ?? "", /^force commit failed: it cannot be committed/);
      await admin.force({ ...ann, gid: poor, outcome: "abort" });
      await admin.resume({ ...ann, gid: poor });
      await world.settled();
    });

    it("leaves a paused transaction to nobody until it is resumed, one or all of a strategy", async () => {
      const gid = await undecided();
      const other = await undecided();
      const retried = await admin.retry({ ...ann, gid });
      assert.deepEqual([retried.gids, retried.paused], [[gid], [gid]], "it says so of what nobody takes on");
      assert.deepEqual((await admin.pause({ ...ann, strategy: "two-phases" })).gids.toSorted(), [gid, other].sort());
      assert.equal((await admin.show({ gid })).summary?.status, "active");
      assert.deepEqual((await admin.resume({ ...ann, strategy: "saga" })).gids, []);
      const unheard = {
        code: "INVALID_ARGUMENT",
        message: 'no open transaction is named "colect"; there are collect, move, pay',
      };
      await assert.rejects(admin.pause({ ...ann, name: "colect" }), unheard);
      const unknown = {
        code: "INVALID_ARGUMENT",
        message: /^no open transaction goes by a strategy "sage"; there are .*two-phases/,
      };
      await assert.rejects(admin.pause({ ...ann, strategy: "sage" }), unknown);
      assert.equal((await admin.resume({ ...ann, name: "collect", strategy: "two-phases" })).gids.length, 2);
      await world.settled();
      await assert.rejects(admin.pause({ ...ann, gid }), { reason: "HAS_ENDED" });
    });

    it("pauses all there are of a name, however many", async () => {
      const keeping = world.app.kernel.get(coordinator);
      const many = Array.from({ length: 2_500 }, () => sampleTransaction({ name: "move", strategy: "two-phases" }));
      for (const one of many) await keeping.begin(one, "somebody", 60_000);
      const { gids } = await admin.pause({ ...ann, name: "move" });
      assert.deepEqual(gids.toSorted(), many.map(({ gid }) => gid).sort());
      for (const { gid } of many) {
        await keeping.decide(gid, "aborting", {});
        await keeping.finish(gid);
      }
    });
  },
);
