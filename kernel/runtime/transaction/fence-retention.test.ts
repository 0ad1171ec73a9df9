import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { it } from "node:test";
import { sampleTransaction } from "../../spi/coordinator.conformance.ts";
import type { Coordinator } from "../../spi/coordinator.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer, type TestPostgres } from "../../testing/postgres-server.ts";
import { enterMany } from "./fence-many.ts";
import { inFencedTransaction } from "./in-transaction.ts";
import { type Pruned, prune } from "./pruning.ts";
import { coordinatorHere, holder } from "./sweep.fixture.ts";

const dayMs = 86_400_000;
const everywhere = { from: 0, to: 1_000 };

/** A participant whose fence is pruned of what is older than a day. */
async function forgetful(server: TestPostgres, coordinator = coordinatorHere()) {
  const at = await holder(server, coordinator);
  const { sql } = at.database;
  return {
    ...at,
    sql,
    coordinator,
    prune: (asked: Coordinator = coordinator): Promise<Pruned> =>
      prune(sql, everywhere, { coordinator: () => asked, retentionMs: dayMs }),
    /** Writes the rows of a branch that were written two days ago. */
    async wrote(rows: Readonly<Partial<Record<"R" | "F", string>>>, gid: string = randomUUID()): Promise<string> {
      for (const [slot, kind] of Object.entries(rows))
        await sql`
          insert into mortise_fence (gid, branch, slot, kind, strategy, operations, created_at)
          values (${gid}, 'b1', ${slot}, ${kind}, 'tcc', 'take@1', clock_timestamp() - interval '2 days')`;
      return gid;
    },
    /** Lets two days pass for all that is there. */
    age: () => sql`update mortise_fence set created_at = created_at - interval '2 days'`,
    async rows(gid: string): Promise<string> {
      const rows = await sql<{ slot: string }[]>`
        select slot::text as slot from mortise_fence where gid = ${gid} order by slot desc`;
      return rows.map(({ slot }) => slot).join("");
    },
    waits: (gid: string) => sql`
      insert into mortise_outbox (gid, branch, layer, kind, transaction, version, strategy, first_branch, plan, input, trace)
      values (${gid}, 'b2', 0, 'message', 'gift', 1, 'outbox', 'b1', '{}', '', '')`,
  };
}

const begun = (gid: string) => ({ ...sampleTransaction({ strategy: "tcc" }), gid });

await onServer(
  "the retention of a fence",
  () => postgresServer({ ours: true }),
  (server) => {
    it("removes both rows of branches that ended, however they did", async () => {
      await using at = await forgetful(server);
      const ended = [
        { R: "reserve", F: "confirm" },
        { R: "tombstone", F: "cancel" },
        { R: "apply" },
        { R: "rejected" },
      ];
      const gids = await Promise.all(ended.map((rows) => at.wrote(rows)));
      assert.deepEqual(await at.prune(), { removed: 4, foreign: 0, unreadable: [] });
      for (const gid of gids) assert.equal(await at.rows(gid), "");
    });

    it("keeps what is set aside, and what may have been done outside", async () => {
      await using at = await forgetful(server);
      const held = [await at.wrote({ R: "reserve" }), await at.wrote({ R: "intent" })];
      const takenBack = await at.wrote({ R: "intent", F: "cancel" });
      assert.deepEqual(await at.prune(), { removed: 0, foreign: 0, unreadable: [] });
      for (const gid of held) assert.equal(await at.rows(gid), "R");
      assert.equal(await at.rows(takenBack), "RF");
    });

    it("counts from the youngest row of a branch", async () => {
      await using at = await forgetful(server);
      const gid = await at.wrote({ R: "apply" });
      await at.sql`
        insert into mortise_fence (gid, branch, slot, kind, strategy, operations)
        values (${gid}, 'b1', 'F', 'cancel', 'saga', 'take@1')`;
      const young = await at.wrote({}, randomUUID());
      await at.drive(young, "apply", "saga", undefined);
      assert.deepEqual(await at.prune(), { removed: 0, foreign: 0, unreadable: [] });
      assert.deepEqual([await at.rows(gid), await at.rows(young)], ["RF", "R"]);
      await at.age();
      assert.deepEqual(await at.prune(), { removed: 2, foreign: 0, unreadable: [] });
    });

    it("keeps what something waits of in the outbox", async () => {
      await using at = await forgetful(server);
      const gid = await at.wrote({ R: "apply" });
      await at.waits(gid);
      assert.equal((await at.prune()).removed, 0);
      await at.sql`delete from mortise_outbox`;
      assert.equal((await at.prune()).removed, 1);
    });

    it("keeps what has not ended for as long by the clock of the coordinator, which is told nothing", async () => {
      let now = 0;
      await using at = await forgetful(
        server,
        coordinatorHere(undefined, () => now),
      );
      const { coordinator } = at;
      const [open = "", ended = "", unbegun = "", unknown = ""] = await Promise.all(
        Array.from({ length: 4 }, () => at.wrote({ R: "reserve", F: "cancel" })),
      );
      for (const gid of [open, ended]) await coordinator.begin(begun(gid), "somebody", 60_000);
      for (const gid of [ended, unbegun]) await coordinator.decide(gid, "aborting", {});
      await coordinator.finish(ended);
      assert.deepEqual(await at.prune(), { removed: 1, foreign: 0, unreadable: [] });
      for (const gid of [open, ended, unbegun]) assert.equal(await at.rows(gid), "RF");
      assert.deepEqual([await at.rows(unknown), await coordinator.get(unknown)], ["", undefined]);
      now = dayMs - 1;
      assert.equal((await at.prune()).removed, 0);
      now = dayMs;
      assert.equal((await at.prune()).removed, 1);
      assert.equal((await coordinator.get(ended))?.status, "aborted", "the record outlives them");
      for (const gid of [open, unbegun]) assert.equal(await at.rows(gid), "RF");
    });

    it("removes what was left alone of a branch whose other row was removed when it came", async () => {
      await using at = await forgetful(server);
      const gid = randomUUID();
      await at.drive(gid, "apply", "saga", at.coordinator.identity);
      await at.age();
      const [entered, removed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const undoing = at.sql.begin(async (tx) => {
        await tx`
          insert into mortise_fence (gid, branch, slot, kind, strategy, operations)
          values (${gid}, 'b1', 'F', 'cancel', 'saga', 'take@1')`;
        entered.resolve();
        await removed.promise;
      });
      await entered.promise;
      assert.equal((await at.prune()).removed, 1);
      removed.resolve();
      await undoing;
      assert.deepEqual([await at.rows(gid), (await at.prune()).removed], ["F", 0]);
      await at.age();
      assert.deepEqual([(await at.prune()).removed, await at.rows(gid)], [1, ""]);
    });

    it("keeps a row that nobody can read, and removes those behind it", async () => {
      await using at = await forgetful(server);
      const [broken, good] = [await at.wrote({ R: "apply" }), await at.wrote({ R: "apply" })];
      await at.sql`update mortise_fence set kept = '\\xff' where gid = ${broken}`;
      const unreadable = [{ gid: broken, branch: "b1" }];
      assert.deepEqual(await at.prune(), { removed: 1, foreign: 0, unreadable });
      assert.deepEqual([await at.rows(broken), await at.rows(good)], ["R", ""]);
    });

    it("keeps what another coordinator may know of, and tells how much that is", async () => {
      await using at = await forgetful(server);
      const gid = randomUUID();
      await at.drive(gid, "reserve", "tcc", at.coordinator.identity);
      await at.drive(gid, "confirm", "tcc", at.coordinator.identity);
      await at.age();
      for (const other of [coordinatorHere(), coordinatorHere("")])
        assert.deepEqual(await at.prune(other), { removed: 0, foreign: 1, unreadable: [] });
      assert.equal(await at.rows(gid), "RF");
      assert.deepEqual(await at.prune(), { removed: 1, foreign: 0, unreadable: [] });
    });

    it("keeps so also what never came, what was refused, and what follows from something committed", async () => {
      await using at = await forgetful(server);
      const { identity } = at.coordinator;
      const [barred = "", settled = "", rolledBack = "", noticed = "", refused = ""] = Array.from(
        { length: 5 },
        () => randomUUID() as string,
      );
      await at.drive(barred, "cancel", "tcc", identity);
      await at.drive(settled, "settle", "saga", identity);
      await at.drive(rolledBack, "rollbackPrepared", "xa", identity);
      await at.drive(noticed, "apply", "best-effort", identity);
      assert.equal((await at.drive(refused, "apply", "saga", identity, 500n)).outcome, "rejected");
      const cancel = {
        branch: "b1",
        action: "cancel",
        strategy: "tcc",
        transaction: "t",
        steps: [],
        coordinator: identity,
      };
      const together = [1, 2].map(() => ({ ...cancel, gid: randomUUID() }));
      await inFencedTransaction(at.database, ({ sql }) =>
        enterMany(sql, { slot: "R", kind: "tombstone", of: together }),
      );
      await at.age();
      assert.deepEqual(await at.prune(coordinatorHere()), { removed: 0, foreign: 7, unreadable: [] });
      assert.equal((await at.drive(barred, "apply", "saga", identity)).outcome, "refused");
      assert.deepEqual(await at.prune(), { removed: 7, foreign: 0, unreadable: [] });
    });

    it("removes what was done where coordinators cannot be told apart", async () => {
      await using at = await forgetful(server, coordinatorHere(""));
      const gid = randomUUID();
      await at.drive(gid, "reserve", "tcc", undefined);
      await at.drive(gid, "cancel", "tcc", undefined);
      await at.age();
      assert.deepEqual(await at.prune(), { removed: 1, foreign: 0, unreadable: [] });
    });

    it("removes nothing while the coordinator is away", async () => {
      await using at = await forgetful(server);
      const gid = await at.wrote({ R: "apply" });
      const away = { ...at.coordinator, notLongEnded: () => Promise.reject(new Error("away")) };
      await assert.rejects(at.prune(away), /away/);
      assert.equal(await at.rows(gid), "R");
    });

    it("keeps what something came about while the coordinator was asked", async () => {
      await using at = await forgetful(server);
      const [undone, sent, quiet] = [await at.wrote({ R: "apply" }), await at.wrote({ R: "apply" }), randomUUID()];
      await at.wrote({ R: "apply" }, quiet);
      const slow: Coordinator = {
        ...at.coordinator,
        notLongEnded: async (gids, withinMs) => {
          await at.sql`
            insert into mortise_fence (gid, branch, slot, kind, strategy, operations)
            values (${undone}, 'b1', 'F', 'cancel', 'saga', 'take@1')`;
          await at.waits(sent);
          return at.coordinator.notLongEnded(gids, withinMs);
        },
      };
      assert.deepEqual(await at.prune(slow), { removed: 1, foreign: 0, unreadable: [] });
      assert.deepEqual([await at.rows(undone), await at.rows(sent), await at.rows(quiet)], ["RF", "R", ""]);
    });

    it("is kept by any number of processes at once, none of which waits for another", {
      timeout: 120_000,
    }, async () => {
      await using at = await forgetful(server);
      const locked = await at.wrote({ R: "reserve", F: "confirm" });
      await at.sql`
        insert into mortise_fence (gid, branch, slot, kind, strategy, operations, created_at)
        select gid, 'b1', slot, 'apply', 'saga', 'take@1', now() - interval '2 days'
        from (select gen_random_uuid() as gid from generate_series(1, 500)) as one, (values ('R'::"char"), ('F')) as sides (slot)`;
      await at.sql.begin(async (tx) => {
        await tx`select 1 from mortise_fence where gid = ${locked} and slot = 'R' for update`;
        const each = await Promise.all(Array.from({ length: 4 }, () => at.prune()));
        assert.equal(
          each.reduce((sum, { removed }) => sum + removed, 0),
          500,
        );
      });
      assert.equal(await at.rows(locked), "RF");
      assert.equal((await at.prune()).removed, 1);
    });
  },
);
