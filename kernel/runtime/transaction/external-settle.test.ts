import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { callContext } from "../../call/call-context.ts";
import { StatusError } from "../../call/status.ts";
import type { PlannedBranch } from "../../spi/coordinator.ts";
import { wasApplied } from "../../spi/driving.ts";
import type { DrivenTransaction } from "../../spi/transaction.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { cardsAt, everythingAway } from "./external-branch.fixture.ts";

await onServer(
  "whether an external operation was done, on a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => {
    it("bars what never came", async () => {
      await using at = await cardsAt(server);
      const gid = randomUUID();
      assert.equal((await at.drive(gid, "settle")).outcome, "refused");
      assert.equal((await at.drive(gid, "apply")).outcome, "refused");
      assert.deepEqual([at.outside.seen, await at.fence(gid)], [[], "tombstone"]);
    });

    it("gives the answer that was given before", async () => {
      await using at = await cardsAt(server);
      const [applied, refused] = [randomUUID(), randomUUID()];
      const { results } = await at.drive(applied, "apply");
      assert.deepEqual((await at.drive(applied, "settle")).results, results);
      await at.drive(refused, "apply", { cents: 101n });
      assert.equal((await at.drive(refused, "settle")).refusal?.reason, "DECLINED");
    });

    it("finds out that it was done where the answer was lost", async () => {
      await using at = await cardsAt(server);
      const gid = randomUUID();
      at.outside.loses.add("confirm");
      await assert.rejects(at.drive(gid, "apply"), { code: "UNAVAILABLE" });
      assert.equal(await at.fence(gid), "intent");
      const { outcome, results } = await at.drive(gid, "settle");
      assert.deepEqual([outcome, await at.fence(gid)], ["done", "apply"]);
      assert.deepEqual((await at.drive(gid, "apply")).results, results);
    });

    it("takes back what was only authorised, and what nothing is known of", async () => {
      await using at = await cardsAt(server);
      const [authorised, unknown] = [randomUUID(), randomUUID()];
      at.outside.away.add("confirm");
      await assert.rejects(at.drive(authorised, "apply"), { code: "UNAVAILABLE" });
      at.outside.away.add("reserve");
      await assert.rejects(at.drive(unknown, "apply"), { code: "UNAVAILABLE" });
      at.outside.away.clear();
      for (const gid of [authorised, unknown]) {
        assert.equal((await at.drive(gid, "settle")).outcome, "refused");
        assert.equal((await at.drive(gid, "settle")).outcome, "refused");
        assert.equal((await at.drive(gid, "apply")).outcome, "refused");
        assert.equal((await at.drive(gid, "undo")).outcome, "done");
      }
      assert.deepEqual([at.outside.state(), at.outside.payments.size], ["cancelled", 1]);
      assert.deepEqual([await at.fence(authorised), await at.fence(unknown)], ["tombstone cancel", "intent cancel"]);
    });

    it("lets a saga give up a pivot nobody has done, and go on behind one that is done", async () => {
      await using at = await cardsAt(server);
      const [never, captured] = [randomUUID(), randomUUID()];
      const isDone = (gid: string) => {
        const driven = {
          drive: (_: PlannedBranch, action: "settle") => at.drive(gid, action),
          pause: async () => undefined,
        };
        return wasApplied(driven as unknown as DrivenTransaction, {} as PlannedBranch);
      };
      at.outside.away.add("reserve");
      await assert.rejects(at.drive(never, "apply"), { code: "UNAVAILABLE" });
      at.outside.away.clear();
      at.outside.loses.add("confirm");
      await assert.rejects(at.drive(captured, "apply"), { code: "UNAVAILABLE" });
      assert.deepEqual([await isDone(never), await isDone(captured)], [false, true]);
    });

    it("leaves it to those who know the operation, and may be outside", async () => {
      await using at = await cardsAt(server);
      const [gid, never] = [randomUUID(), randomUUID()];
      at.outside.loses.add("reserve");
      await assert.rejects(at.drive(gid, "apply"), { code: "UNAVAILABLE" });
      for (const action of ["settle", "cancel"] as const)
        assert.equal((await at.drive(gid, action, { operation: "gone" })).outcome, "ongoing");
      assert.equal((await at.drive(never, "settle", { operation: "gone" })).outcome, "refused");
      assert.equal((await at.drive(gid, "settle")).outcome, "refused");
      assert.deepEqual([at.outside.state(), await at.fence(gid)], ["cancelled", "tombstone cancel"]);
    });

    it("says nothing while nobody outside answers, and refuses what was taken back", async () => {
      await using at = await cardsAt(server);
      const gid = randomUUID();
      for (const what of everythingAway) at.outside.away.add(what);
      await assert.rejects(at.drive(gid, "apply"), { code: "UNAVAILABLE" });
      await assert.rejects(at.drive(gid, "settle"), { code: "UNAVAILABLE" });
      assert.equal(await at.fence(gid), "intent");
      await assert.rejects(at.drive(gid, "undo"), { code: "UNAVAILABLE" });
      assert.equal((await at.drive(gid, "settle")).outcome, "refused");
      assert.equal(await at.fence(gid), "intent cancel");
    });

    it("waits for what this process is doing, as long as that has time", async () => {
      await using at = await cardsAt(server);
      const gid = randomUUID();
      const held = at.outside.holdsUp("reserve");
      const asking = callContext();
      const late = at.drive(gid, "apply", { context: asking });
      await held.asked;
      assert.equal((await at.drive(gid, "settle")).outcome, "ongoing");
      assert.equal((await at.drive(gid, "peek")).outcome, "refused");
      assert.equal(await at.fence(gid), "intent");
      asking.cancel(new StatusError("DEADLINE_EXCEEDED", "it took too long"));
      assert.equal((await at.drive(gid, "settle")).outcome, "refused");
      held.goOn();
      assert.equal((await late).outcome, "refused");
      assert.deepEqual([at.outside.state(), await at.fence(gid)], ["cancelled", "tombstone cancel"]);
    });

    it("gives back what another process is doing", async () => {
      await using at = await cardsAt(server);
      const gid = randomUUID();
      const held = at.outside.holdsUp("reserve");
      const late = at.elsewhere()(gid, "apply");
      await held.asked;
      assert.equal((await at.drive(gid, "settle")).outcome, "refused");
      held.goOn();
      assert.equal((await late).outcome, "refused");
      assert.deepEqual([at.outside.state(), await at.fence(gid)], ["cancelled", "tombstone cancel"]);
    });
  },
);
