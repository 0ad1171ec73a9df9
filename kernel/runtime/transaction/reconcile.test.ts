import assert from "node:assert/strict";
import { describe, it } from "node:test";
import postgres from "postgres";
import { TransactionAdmin } from "../../contract/index.ts";
import { sampleTransaction } from "../../spi/coordinator.conformance.ts";
import type { PlannedBranch, TransactionRecord, TransactionStatus } from "../../spi/coordinator.ts";
import { eventually } from "../../testing/eventually.ts";
import { onServer } from "../../testing/on-server.ts";
import { postgresServer } from "../../testing/postgres-server.ts";
import { strategyWorld } from "../../testing/strategy-world.ts";
import { testStrategy } from "../../testing/test-strategies.ts";
import { reconcile } from "./admin-reconcile.ts";
import { differencesIn } from "./reconcile.ts";
import { coordinatorHere } from "./sweep.fixture.ts";

const everything = { name: "", participant: "", newerThanMs: 0n, after: "", limit: 0, passOver: [] };

describe("what differs from what was decided", () => {
  const planned = { steps: [], after: [], pivot: false, afterCommit: false, droppable: false, external: false };
  const branch: PlannedBranch = { ...planned, id: "b1", participant: "bank" };

  const found = (status: TransactionStatus, kinds: readonly string[], more: Partial<Found> = {}) => {
    const { done = [], droppable = false, prepared = false } = more;
    const begun = sampleTransaction();
    const record = { ...begun, status, done, branches: [{ ...branch, droppable }] } as unknown as TransactionRecord;
    const rows = kinds.map((kind) => ({ gid: begun.gid, branch: "b1", slot: "R", kind }));
    const known = new Map([["bank", { rows, prepared: prepared ? [`mortise:${begun.gid}:b1`] : [] }]]);
    return differencesIn(record, known)
      .map(({ what }) => what)
      .join();
  };
  type Found = { readonly done: string[]; readonly droppable: boolean; readonly prepared: boolean };

  const table: readonly (readonly [TransactionStatus, string, string, Partial<Found>?])[] = [
    ["committed", "reserve confirm", ""],
    ["committed", "apply", ""],
    ["committed", "apply confirm", ""],
    ["committed", "", "missing"],
    ["committed", "", "", { droppable: true }],
    ["committed", "", "", { prepared: true }],
    ["committed", "reserve", "unfinished"],
    ["committed", "intent", "unfinished"],
    ["committed", "rejected", "taken back"],
    ["committed", "tombstone cancel", "taken back"],
    ["committed", "reserve cancel", "taken back"],
    ["committing", "", ""],
    ["committing", "reserve", ""],
    ["committing", "", "missing", { done: ["b1"] }],
    ["committing", "reserve", "unfinished", { done: ["b1"] }],
    ["committing", "reserve cancel", "taken back"],
    ["aborted", "", ""],
    ["aborted", "rejected", ""],
    ["aborted", "tombstone cancel", ""],
    ["aborted", "apply cancel", ""],
    ["aborted", "apply", "done"],
    ["aborted", "reserve", "done"],
    ["aborted", "reserve confirm", "done"],
    ["aborting", "reserve", ""],
    ["aborting", "apply", "done", { done: ["b1"] }],
    ["aborting", "apply confirm", "done"],
    ["active", "reserve", ""],
  ];
  for (const [status, kinds, what, more] of table)
    it(`${status} with ${kinds || "nothing"}${more ? ` (${Object.keys(more).join()})` : ""}: ${what || "nothing"}`, () => {
      assert.equal(found(status, kinds.split(" ").filter(Boolean), more), what);
    });

  it("passes over a participant that did not answer", () => {
    const record = { ...sampleTransaction(), status: "committed", done: [] } as unknown as TransactionRecord;
    assert.deepEqual(differencesIn(record, new Map()), []);
  });
});

describe("a comparison", () => {
  it("says nothing of what ended so long ago that fences may have forgotten it", async () => {
    let now = 0;
    const coordinator = coordinatorHere(undefined, () => now);
    const sample = sampleTransaction();
    await coordinator.begin(sample, "me", 60_000);
    await coordinator.decide(sample.gid, "committing", {});
    const compare = async () => {
      const { compared, differences } = await reconcile(everything, {
        ...{ coordinator, retentionMs: 1_000, knownParticipants: () => [], checkName: async () => undefined },
        fencesOf: async () => ({ rows: [], prepared: [] }),
      });
      return [compared, differences.map(({ what }) => what)];
    };
    await coordinator.finish(sample.gid, { done: ["b1", "b2"] });
    now = 999;
    assert.deepEqual(await compare(), [1, ["missing", "missing"]]);
    now = 1_000;
    assert.deepEqual(await compare(), [0, []]);
  });
});

await onServer(
  "a participant that comes back from a backup",
  () => postgresServer({ ours: true }),
  (server) => {
    it("is not said to be right where nobody has such a name, and is named where it does not answer", async () => {
      await using world = await strategyWorld(server, testStrategy);
      const admin = world.app.clients.client(TransactionAdmin);
      await world.run("collect");
      await world.settled();
      await assert.rejects(admin.reconcile({ ...everything, name: "colect" }), {
        code: "INVALID_ARGUMENT",
        message: /^no transaction is named "colect"; there are .*collect/,
      });
      for (const participant of ["test.bank.v1.Secnod", "foo"])
        await assert.rejects(admin.reconcile({ ...everything, participant }), {
          code: "INVALID_ARGUMENT",
          message: new RegExp(`^no participant is called "${participant}"; there are .*test\\.bank\\.v1\\.Second`),
        });
      const second = { ...everything, participant: "test.bank.v1.Second" };
      assert.equal((await admin.reconcile(second)).compared, 1);
      assert.equal((await admin.reconcile({ ...second, name: "pay" })).compared, 0);

      const { sql } = await world.database(1);
      await sql.begin(async (tx) => {
        await tx`lock table mortise_fence in access exclusive mode`;
        const { silent, compared } = await admin.reconcile(everything);
        assert.deepEqual(
          silent.map(({ participant, code }) => [participant, code]),
          [["test.bank.v1.Second", "DEADLINE_EXCEEDED"]],
        );
        assert.equal(compared, 1);
        assert.deepEqual((await admin.reconcile({ ...everything, passOver: [second.participant] })).silent, []);
      });
    });

    it("is told of with all it has lost, batch by batch, and nothing is changed", { timeout: 120_000 }, async () => {
      await using world = await strategyWorld(server, testStrategy);
      const admin = world.app.clients.client(TransactionAdmin);
      const before = await world.run("collect");
      await world.settled();
      const kept = (await world.database(1)).address.database;
      const root = postgres(server.url, { max: 1, onnotice: () => undefined });
      const backup = `${kept}_backup`;
      /** Nobody may be connected to what is copied or renamed. */
      const shut = async (database: string) => {
        await root.unsafe(`alter database "${database}" allow_connections false`);
        await eventually(async () => {
          await root`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${database}`;
          return (await root`select 1 from pg_stat_activity where datname = ${database}`).length === 0;
        }, 30_000);
      };
      await shut(kept);
      await root.unsafe(`create database "${backup}" template "${kept}"`);
      await root.unsafe(`alter database "${kept}" allow_connections true`);
      const lost = [];
      for (let count = 0; count < 3; count++) lost.push((await world.run("collect", { cents: 10n })).gid);
      const refused = await world.run("collect", { cents: 100_000n });
      await world.settled();
      assert.deepEqual((await admin.reconcile(everything)).differences, []);

      await shut(kept);
      await root.unsafe(`alter database "${kept}" rename to "${kept}_lost"`);
      await root.unsafe(`alter database "${backup}" rename to "${kept}"`);
      const told = await eventually(async () => {
        const report = await admin.reconcile(everything);
        return report.silent.length === 0 && report;
      }, 30_000);
      assert.deepEqual(
        told.differences
          .map(({ gid, branch, participant, what, steps }) => [gid, branch, participant, what, steps])
          .sort(),
        lost.map((gid) => [gid, "b2", "test.bank.v1.Second", "missing", ["also"]]).sort(),
      );
      assert.deepEqual([refused.status, before.status], ["aborted", "committed"]);
      assert.equal(told.compared, 5);

      const seen: string[] = [];
      let after = "";
      do {
        const batch = await admin.reconcile({ ...everything, participant: "test.bank.v1.Second", after, limit: 2 });
        seen.push(...batch.differences.map(({ gid }) => gid));
        after = batch.next;
      } while (after !== "");
      assert.deepEqual(seen, lost.toSorted());
      const elsewhere = { ...everything, participant: "test.bank.v1.Third" };
      assert.deepEqual((await admin.reconcile(elsewhere)).differences, []);
      assert.equal((await admin.reconcile({ ...everything, name: "pay" })).compared, 0);
      await assert.rejects(admin.reconcile({ ...everything, after: "x" }), { code: "INVALID_ARGUMENT" });
      await assert.rejects(admin.reconcile({ ...everything, limit: -1 }), { code: "INVALID_ARGUMENT" });
      assert.equal(
        (await (await world.database(1)).sql`select 1 from mortise_fence where gid = any(${lost})`).length,
        0,
      );
      await root.unsafe(`drop database "${kept}_lost"`);
      await root.end();
    });
  },
);
