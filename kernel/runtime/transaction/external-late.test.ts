import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { eventually } from "../../testing/eventually.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { cardsAt, everythingAway } from "./external-branch.fixture.ts";

const tenMinutesMs = 600_000;

await onServer(
  "an external operation that is taken back, on a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => {
    it("refuses what is repeated after that, and asks nobody about it any more", async () => {
      await using at = await cardsAt(server);
      const gid = randomUUID();
      await at.drive(gid, "reserve");
      await at.drive(gid, "cancel");
      assert.equal(await at.fence(gid), "tombstone cancel");
      for (const what of everythingAway) at.outside.away.add(what);
      assert.equal((await at.drive(gid, "reserve")).outcome, "refused");
      assert.equal((await at.drive(gid, "cancel")).outcome, "done");
      assert.equal((await at.drive(gid, "confirm")).outcome, "heuristic");
      assert.equal((await at.drive(gid, "peek")).outcome, "refused");
    });

    it("is refused from the moment on at which that has begun", async () => {
      await using at = await cardsAt(server);
      const gid = randomUUID();
      await at.drive(gid, "reserve");
      at.outside.away.add("cancel");
      await assert.rejects(at.drive(gid, "cancel"), { code: "UNAVAILABLE" });
      assert.equal(await at.fence(gid), "intent cancel");
      assert.equal((await at.drive(gid, "reserve")).outcome, "refused");
      assert.equal((await at.drive(gid, "confirm")).outcome, "heuristic");
      at.outside.away.clear();
      assert.equal((await at.drive(gid, "cancel")).outcome, "done");
      assert.deepEqual([at.outside.state(), await at.fence(gid)], ["cancelled", "tombstone cancel"]);
    });

    for (const kind of ["reserve", "apply"] as const)
      it(`gives back at once what is authorised only then, and does no more of it (${kind})`, async () => {
        await using at = await cardsAt(server);
        const gid = randomUUID();
        const held = at.outside.holdsUp("reserve");
        const late = at.drive(gid, kind);
        await held.asked;
        assert.equal((await at.drive(gid, kind === "apply" ? "undo" : "cancel")).outcome, "done");
        assert.equal(await at.fence(gid), "intent cancel");
        held.goOn();
        assert.equal((await late).outcome, "refused");
        assert.deepEqual([at.outside.state(), await at.fence(gid)], ["cancelled", "tombstone cancel"]);
        assert.ok(at.outside.seen.every((one) => !one.startsWith("confirm")));
      });

    it("gives back what is captured only then", async () => {
      await using at = await cardsAt(server);
      const gid = randomUUID();
      const held = at.outside.holdsUp("confirm");
      const late = at.drive(gid, "apply");
      await held.asked;
      at.outside.away.add("cancel");
      await assert.rejects(at.drive(gid, "undo"), { code: "UNAVAILABLE" });
      held.goOn();
      assert.equal((await late).outcome, "refused");
      assert.deepEqual([at.outside.state(), await at.fence(gid)], ["undone", "tombstone cancel"]);
    });

    it("gives back at once what is authorised only then, and the answer lost", async () => {
      await using at = await cardsAt(server);
      const gid = randomUUID();
      const held = at.outside.holdsUp("reserve");
      at.outside.loses.add("reserve");
      const late = at.drive(gid, "reserve");
      await held.asked;
      assert.equal((await at.drive(gid, "cancel")).outcome, "done");
      held.goOn();
      assert.equal((await late).outcome, "refused");
      assert.deepEqual([at.outside.state(), await at.fence(gid)], ["cancelled", "tombstone cancel"]);
    });

    it("leaves it to the sweep where that cannot be given back at once", async () => {
      await using at = await cardsAt(server);
      const gid = randomUUID();
      const held = at.outside.holdsUp("reserve");
      const late = at.drive(gid, "reserve");
      await held.asked;
      await at.drive(gid, "cancel");
      at.outside.away.add("cancel");
      held.goOn();
      assert.equal((await late).outcome, "refused");
      assert.deepEqual([at.outside.state(), await at.fence(gid)], ["reserved", "intent cancel"]);
      at.outside.away.clear();
      await at.sweep();
      assert.deepEqual([at.outside.state(), await at.fence(gid)], ["cancelled", "tombstone cancel"]);
    });

    it("asks again for ten minutes where nothing is known of it outside", async () => {
      await using at = await cardsAt(server);
      const gid = randomUUID();
      at.outside.away.add("reserve");
      await assert.rejects(at.drive(gid, "reserve"), { code: "UNAVAILABLE" });
      assert.equal((await at.drive(gid, "cancel")).outcome, "done");
      await at.age(tenMinutesMs - 60_000);
      assert.equal((await at.drive(gid, "cancel")).outcome, "done");
      assert.deepEqual([(await at.sweep()).ended, await at.fence(gid)], [0, "intent cancel"]);
      await at.age(60_000);
      assert.equal((await at.sweep()).ended, 1);
      assert.equal(await at.fence(gid), "tombstone cancel");
    });

    it("gives back also what comes after those ten minutes, while somebody waits for the answer", async () => {
      await using at = await cardsAt(server);
      const gid = randomUUID();
      const held = at.outside.holdsUp("reserve");
      const late = at.drive(gid, "reserve");
      await held.asked;
      await at.drive(gid, "cancel");
      await at.age(tenMinutesMs);
      await at.drive(gid, "cancel");
      assert.equal(await at.fence(gid), "tombstone cancel");
      held.goOn();
      assert.equal((await late).outcome, "refused");
      assert.deepEqual([at.outside.state(), await at.fence(gid)], ["cancelled", "tombstone cancel"]);
    });
  },
);

await onServer(
  "an external operation that is asked for twice at once, on a PostgreSQL server",
  () => postgresServer({ ours: true }),
  (server) => {
    /** The second request overtakes the first, and one of them is refused. */
    async function refusing(declined: "first" | "second") {
      let count = 0;
      const held = Promise.withResolvers<void>();
      const at = await cardsAt(server, (pay) => ({
        ...pay,
        async reserve(input: never, call: { reject(reason: string): never }) {
          const isFirst = ++count === 1;
          if (isFirst) await held.promise;
          return isFirst === (declined === "first") ? call.reject("DECLINED") : pay.reserve(input, call as never);
        },
      }));
      return Object.assign(at, { goOn: held.resolve, asked: () => eventually(() => count > 0) });
    }

    it("answers what was kept first, though the other request is refused later", async () => {
      await using at = await refusing("first");
      const gid = randomUUID();
      const first = at.drive(gid, "reserve");
      await at.asked();
      const second = await at.elsewhere()(gid, "reserve");
      assert.equal(second.outcome, "done");
      at.goOn();
      assert.deepEqual((await first).results, second.results);
      assert.equal((await at.drive(gid, "confirm")).outcome, "done");
      assert.deepEqual([at.outside.state(), await at.fence(gid)], ["confirmed", "reserve confirm"]);
    });

    it("leaves nothing outside, whoever comes first", { timeout: 60_000 }, async () => {
      await using at = await cardsAt(server);
      const other = at.elsewhere();
      const gids = Array.from({ length: 40 }, () => randomUUID());
      type Drive = typeof at.drive;
      const ask = async (drive: Drive, gid: string, action: "reserve" | "apply" | "cancel"): Promise<string> => {
        const { outcome } = await drive(gid, action);
        return outcome === "ongoing" ? ask(drive, gid, action) : outcome;
      };
      const one = async (gid: string, kind: "reserve" | "apply") => {
        const forward = Promise.all([ask(at.drive, gid, kind), ask(other, gid, kind)]);
        const back = await Promise.all([ask(other, gid, "cancel"), ask(at.drive, gid, "cancel")]);
        await forward;
        return [...back, await ask(at.drive, gid, kind)].join(" ");
      };
      const ended = await Promise.all(gids.map((gid, i) => one(gid, i % 2 === 0 ? "reserve" : "apply")));
      assert.deepEqual([...new Set(ended)], ["done done refused"]);
      await at.age(tenMinutesMs);
      await at.sweep();
      assert.deepEqual([...new Set(await Promise.all(gids.map(at.fence)))], ["tombstone cancel"]);
      const states = [...at.outside.payments.values()].map(({ state }) => state);
      assert.deepEqual(
        states.filter((state) => state !== "cancelled" && state !== "undone"),
        [],
      );
    });

    it("gives back what is authorised after the other request was refused", async () => {
      await using at = await refusing("second");
      const gid = randomUUID();
      const first = at.drive(gid, "reserve");
      await at.asked();
      assert.equal((await at.elsewhere()(gid, "reserve")).refusal?.reason, "DECLINED");
      at.goOn();
      assert.equal((await first).outcome, "refused");
      assert.deepEqual([at.outside.state(), await at.fence(gid)], ["cancelled", "tombstone cancel"]);
    });
  },
);
