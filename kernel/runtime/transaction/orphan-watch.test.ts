import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer, type TestPostgres } from "../../testing/postgres-server.ts";
import { orphansAgain, type Watch } from "./orphan-watch.ts";
import { coordinatorHere, holder } from "./sweep.fixture.ts";

const hourMs = 3_600_000;

/** A participant that is listed again and again. */
async function listed(server: TestPostgres) {
  const at = await holder(server, coordinatorHere());
  const { sql } = at.database;
  let watch: Watch | undefined;
  return {
    ...at,
    forgets: () => {
      watch = undefined;
    },
    /** Reserves, and gives the transaction. */
    async reserved(ageMs: number): Promise<string> {
      const gid = randomUUID();
      await sql`
        insert into mortise_fence (gid, branch, slot, kind, strategy, operations, created_at)
        values (${gid}, 'b1', 'R', 'reserve', 'tcc', 'take@1', clock_timestamp() - ${ageMs} * interval '1 millisecond')`;
      return gid;
    },
    async confirmed(gid: string) {
      await sql`
        insert into mortise_fence (gid, branch, slot, kind, strategy, operations)
        values (${gid}, 'b1', 'F', 'confirm', 'tcc', 'take@1')`;
    },
    /** What is listed by a process whose clock shows so many milliseconds. */
    async list(nowMs = 0): Promise<readonly string[]> {
      const { found, watch: next } = await orphansAgain(at.bank, 0, watch, nowMs);
      watch = next;
      return found.map(({ gid }) => gid);
    },
  };
}

await onServer(
  "what is listed again and again at a participant",
  () => postgresServer({ ours: true }),
  (server) => {
    it("is everything at first, and then what is younger and what is still held", async () => {
      await using at = await listed(server);
      const [held, settled] = [await at.reserved(24 * hourMs), await at.reserved(23 * hourMs)];
      await at.confirmed(settled);
      assert.deepEqual(await at.list(), [held]);
      const missed = await at.reserved(22 * hourMs);
      const young = await at.reserved(0);
      assert.deepEqual(await at.list(), [held, young]);
      await at.confirmed(held);
      assert.deepEqual(await at.list(), [young]);
      assert.deepEqual(await at.list(7 * hourMs), [missed, young]); // everything has its turn again
    });

    it("is everything for a process that has just begun, and what waits prepared each time", async () => {
      await using at = await listed(server);
      const gid = randomUUID();
      await at.drive(gid, "prepare", "xa", undefined);
      const old = await at.reserved(24 * hourMs);
      for (let n = 0; n < 3; n++) assert.deepEqual(await at.list(), [gid, old]);
      at.forgets();
      assert.deepEqual(await at.list(), [gid, old]);
      await at.drive(gid, "rollbackPrepared", "xa", undefined);
    });

    it("is also what was committed a little later than it was written", async () => {
      await using at = await listed(server);
      assert.deepEqual(await at.list(), []);
      const late = await at.reserved(30_000);
      assert.deepEqual(await at.list(), [late]);
    });

    it("is what is held of each gone through before, however often that was", async () => {
      await using at = await listed(server);
      const [one, other] = [await at.reserved(2 * hourMs), await at.reserved(hourMs)];
      for (let n = 0; n < 3; n++) assert.deepEqual(await at.list(), [one, other]);
      const young = await at.reserved(0);
      for (let n = 0; n < 3; n++) assert.deepEqual(await at.list(), [one, other, young]);
    });

    it("begins with the oldest again where more is held than is remembered, and comes through all of it", async () => {
      await using at = await listed(server);
      assert.deepEqual(await at.list(), []);
      await at.database.sql`
        insert into mortise_fence (gid, branch, slot, kind, strategy, operations)
        select gen_random_uuid(), 'b1', 'R', 'reserve', 'tcc', 'take@1' from generate_series(1, 5001)`;
      const old = await at.reserved(24 * hourMs);
      const counts: number[] = [];
      for (let n = 0; n < 5; n++) counts.push((await at.list()).length);
      assert.deepEqual(counts, [5_000, 5_000, 2, 5_000, 2]);
      await at.database.sql`delete from mortise_fence where gid <> ${old}`;
      assert.deepEqual(await at.list(), [old]);
    });
  },
);
