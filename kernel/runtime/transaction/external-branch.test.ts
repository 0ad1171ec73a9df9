import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { cardsAt } from "./external-branch.fixture.ts";

await onServer(
  "an external operation, with its fence on a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => {
    it("authorises and captures once, each under a key of its own, whatever is repeated", async () => {
      await using at = await cardsAt(server);
      const gid = randomUUID();
      const first = await at.drive(gid, "reserve");
      assert.deepEqual(await at.drive(gid, "reserve"), first);
      assert.deepEqual((await at.drive(gid, "confirm")).results, first.results);
      assert.equal((await at.drive(gid, "confirm")).outcome, "done");
      assert.equal(at.outside.state(), "confirmed");
      assert.deepEqual([...new Set(at.outside.seen)], ["reserve b1:R", "confirm b1:F"]);
    });

    it("asks how it stands when the answer to an authorisation was lost, and does not authorise again", async () => {
      await using at = await cardsAt(server);
      const gid = randomUUID();
      at.outside.loses.add("reserve");
      await assert.rejects(at.drive(gid, "reserve"), { code: "UNAVAILABLE" });
      assert.equal((await at.drive(gid, "reserve")).outcome, "done");
      assert.deepEqual(at.outside.seen, ["reserve b1:R"]);
      assert.equal(at.outside.payments.size, 1);
    });

    it("repeats a capture whose answer was lost", async () => {
      await using at = await cardsAt(server);
      const gid = randomUUID();
      await at.drive(gid, "reserve");
      at.outside.loses.add("confirm");
      await assert.rejects(at.drive(gid, "confirm"), { code: "UNAVAILABLE" });
      assert.equal((await at.drive(gid, "cancel")).outcome, "heuristic");
      assert.equal((await at.drive(gid, "confirm")).outcome, "done");
      assert.equal(at.outside.state(), "confirmed");
    });

    it("voids what was authorised, also when that is not certain, and refuses what comes late", async () => {
      await using at = await cardsAt(server);
      const gid = randomUUID();
      at.outside.loses.add("reserve");
      await assert.rejects(at.drive(gid, "reserve"), { code: "UNAVAILABLE" });
      assert.equal((await at.drive(gid, "cancel")).outcome, "done");
      assert.equal(at.outside.state(), "cancelled");
      assert.equal((await at.drive(gid, "reserve")).outcome, "refused");
      const never = randomUUID();
      assert.equal((await at.drive(never, "cancel")).outcome, "done");
      assert.equal((await at.drive(never, "reserve")).outcome, "refused");
      assert.equal(at.outside.payments.size, 1);
    });

    it("remembers a no, and refunds what was applied as a whole", async () => {
      await using at = await cardsAt(server);
      const no = randomUUID();
      assert.equal((await at.drive(no, "reserve", { cents: 101n })).refusal?.reason, "DECLINED");
      assert.equal((await at.drive(no, "cancel", { cents: 101n })).outcome, "done");
      const gid = randomUUID();
      assert.equal((await at.drive(gid, "apply")).outcome, "done");
      assert.equal(at.outside.state(), "confirmed");
      assert.equal((await at.drive(gid, "undo")).outcome, "done");
      assert.equal(at.outside.state(), "undone");
    });

    it("is never prepared", async () => {
      await using at = await cardsAt(server);
      await assert.rejects(at.drive(randomUUID(), "prepare"), { code: "INVALID_ARGUMENT" });
    });
  },
);
