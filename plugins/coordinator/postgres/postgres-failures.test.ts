import assert from "node:assert/strict";
import { it } from "node:test";
import { sampleTransaction } from "@mortise/kernel/spi/coordinator.conformance";
import { onServer, postgresServer } from "@mortise/kernel/testing";
import connect from "postgres";
import { openOn } from "./processes.fixture.ts";

await onServer(
  "coordinator/postgres and failures",
  () => postgresServer({ ours: true }),
  (server) => {
    const patient = { options: { unavailableAfterMs: 60_000 } };

    it("begins, decides and ends everything once while its connections are killed again and again", async () => {
      const database = await server.database();
      const [one, two] = [await openOn(database, patient), await openOn(database, patient)];
      const killer = connect(server.url, { max: 1 });
      let killing = true;
      let kills = 0;
      const nemesis = (async () => {
        while (killing) {
          const killed = await killer`
            select pg_terminate_backend(pid) from (
              select pid from pg_stat_activity where datname = ${database.name} order by random() limit 1) as one`;
          kills += killed.length;
          await new Promise((resolve) => setTimeout(resolve, 40));
        }
      })();
      const life = async (i: number) => {
        const sample = sampleTransaction();
        const [mine, other] = i % 2 ? [one.api, two.api] : [two.api, one.api];
        assert.equal(await mine.begin(sample, `n${i}`, 60_000), undefined);
        const decided = await Promise.all([
          mine.decide(sample.gid, "committing", {}),
          other.decide(sample.gid, "aborting", {}),
        ]);
        assert.equal(decided[0], decided[1]);
        await other.note(sample.gid, { done: [`b${i}`] });
        await mine.finish(sample.gid);
        return { gid: sample.gid, i, decided: decided[0] };
      };
      const lives: Awaited<ReturnType<typeof life>>[] = [];
      for (let round = 0; round < 2 || kills < 15; round++)
        lives.push(...(await Promise.all(Array.from({ length: 40 }, (_, i) => life(i)))));
      killing = false;
      await nemesis;
      for (const { gid, i, decided } of lives) {
        const record = await one.api.get(gid);
        assert.deepEqual(
          [record?.status, record?.done],
          [decided === "committing" ? "committed" : "aborted", [`b${i}`]],
        );
      }
      await killer.end();
      await Promise.all([one.stop(), two.stop()]);
      await database.drop();
    });

    it("says UNAVAILABLE while the database is away, goes on when it is back, and has kept what it said", async () => {
      const database = await server.database();
      const [quick, slow] = [
        await openOn(database, { options: { unavailableAfterMs: 200 } }),
        await openOn(database, patient),
      ];
      const [kept, late] = [sampleTransaction(), sampleTransaction()];
      await quick.api.begin(kept, "me", 60_000);
      await quick.api.decide(kept.gid, "committing", {});
      await server.shutdown();
      await assert.rejects(quick.api.begin(late, "me", 60_000), { code: "UNAVAILABLE" });
      await assert.rejects(quick.api.claim({ owner: "me", names: ["placeOrder"], limit: 1, leaseMs: 1 }), {
        code: "UNAVAILABLE",
      });
      const waiting = slow.api.begin(late, "me", 60_000);
      await server.restart();
      assert.equal(await waiting, undefined);
      assert.equal(await slow.api.decide(kept.gid, "aborting", {}), "committing");
      await Promise.all([quick.stop(), slow.stop()]);
      await database.drop();
    });

    it("lets processes change the same transactions in any order at the same time", async () => {
      const database = await server.database();
      const all = await Promise.all(Array.from({ length: 3 }, () => openOn(database, patient)));
      const gids = Array.from({ length: 60 }, () => sampleTransaction());
      await Promise.all(gids.map(async (sample) => all[0]?.api.begin(sample, "me", 60_000)));
      for (let round = 0; round < 5; round++) {
        const asked = all.flatMap(({ api }, n) =>
          gids
            .toSorted((a, b) => (a.gid.charCodeAt(round + n) < b.gid.charCodeAt(round + n) ? -1 : 1))
            .flatMap(({ gid }) => [api.note(gid, { done: [`b${n}`] }), api.renew([gid], "me", 60_000)]),
        );
        await Promise.all(asked);
      }
      for (const { gid } of gids) assert.equal((await all[0]?.api.get(gid))?.done.length, 3);
      for (const { stop } of all) await stop();
      await database.drop();
    });
  },
);
