import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { cardsAt, everythingAway } from "./external-branch.fixture.ts";
import { prune } from "./pruning.ts";

const dayMs = 86_400_000;

await onServer(
  "a sweep of external operations on a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => {
    it("goes on giving back until that has succeeded, and nothing is forgotten before", async () => {
      await using at = await cardsAt(server);
      const forgets = (coordinator = at.coordinator) =>
        prune(at.database.sql, { from: 0, to: 100 }, { coordinator: () => coordinator, retentionMs: 14 * dayMs });
      const gid = randomUUID();
      await at.drive(gid, "reserve"); // and nobody has begun it
      for (const what of everythingAway) at.outside.away.add(what);
      assert.equal((await at.sweep()).failed.length, 1);
      assert.equal(await at.fence(gid), "intent cancel");
      await at.age(20 * dayMs);
      const forgetful = { ...at.coordinator, notLongEnded: async () => [] };
      assert.equal((await forgets(forgetful)).removed, 0);
      assert.equal((await at.sweep()).failed.length, 1);
      at.outside.away.clear();
      assert.deepEqual((await at.sweep()).gids, [gid]);
      assert.deepEqual([at.outside.state(), await at.fence(gid)], ["cancelled", "tombstone cancel"]);
      assert.deepEqual((await at.sweep()).gids, []);
      assert.equal((await forgets(forgetful)).removed, 1);
    });

    it("leaves to whoever does it what follows from something committed, which any coordinator may keep", async () => {
      await using at = await cardsAt(server);
      const [follows, asked] = [randomUUID(), randomUUID()];
      const elsewhere = { strategy: "outbox", coordinator: randomUUID() };
      await assert.rejects(at.drive(asked, "apply", elsewhere), { reason: "DTX021" });
      at.outside.away.add("reserve");
      const away = at.drive(follows, "apply", { ...elsewhere, asksNobody: true });
      await assert.rejects(away, { code: "UNAVAILABLE" });
      assert.deepEqual([(await at.sweep()).gids, await at.fence(follows)], [[], "intent"]);
      at.outside.away.clear();
      assert.equal((await at.drive(follows, "apply", { ...elsewhere, asksNobody: true })).outcome, "done");
    });

    it("gives back what a process has authorised that died before it heard of the cancel", async () => {
      await using at = await cardsAt(server);
      const gid = randomUUID();
      at.outside.away.add("reserve");
      await assert.rejects(at.drive(gid, "reserve"), { code: "UNAVAILABLE" });
      assert.equal((await at.drive(gid, "cancel")).outcome, "done");
      at.outside.payments.set(`${gid}:b1`, { state: "reserved", cents: 30n });
      await at.sweep();
      assert.deepEqual([at.outside.state(), await at.fence(gid)], ["cancelled", "tombstone cancel"]);
      assert.deepEqual((await at.sweep()).gids, []);
    });
  },
);
