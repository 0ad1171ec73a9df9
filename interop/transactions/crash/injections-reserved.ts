import assert from "node:assert/strict";
import type { Injection } from "./injecting.ts";
import {
  comesLate,
  isMended,
  isNeverBegun,
  isSeenEarly,
  losesAnswer,
  losesDecision,
  oneSaysNo,
  sleepsThrough,
} from "./plays.ts";
import { appears } from "./scene.ts";

export const reservedInjections: readonly Injection[] = [
  {
    point: "T1",
    what: "its begin is never sent, and all branches are reserved",
    act: isNeverBegun("tcc", "T1", ({ world }) => world.books.sql("fourth")`select 1 from account where coming > 0`),
  },
  { point: "T3", what: "the answer to a reserve is lost", act: losesAnswer("tcc", "second", "T3") },
  { point: "T3", what: "nobody sees as done what is reserved", act: isSeenEarly("tcc", "T3", false) },
  {
    point: "T4",
    what: "a reserve comes after its cancel",
    act: async (scene) => {
      assert.equal(await comesLate(scene, "tcc", "T4"), "DEADLINE");
    },
  },
  {
    point: "T5",
    what: "a cancel comes while the reserve is not committed",
    act: async (scene) => {
      await scene.policy({ strategy: "tcc", deadlineMs: 10_000 }); // the reserve has to begin before it
      await scene.arm("second", "T5=hold");
      const { gid, status } = await scene.run();
      assert.equal(status, "aborted");
      await appears(
        () => scene.world.books.sql("second")`select 1 from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`,
      );
      await scene.release("second");
      assert.equal((await scene.whole()).get(gid), "aborted");
    },
  },
  { point: "T6", what: "one of three banks says no", act: oneSaysNo("tcc") },
  { point: "T8", what: "the answer to the decision is lost", act: losesAnswer("tcc", "own1", "T8") },
  {
    point: "X12",
    what: "the coordinator's database loses the decision when one branch has confirmed",
    act: losesDecision("tcc", "T9"),
  },
  { point: "T10", what: "a confirm throws again and again", act: isMended("tcc", ["second", "T10"], "committed") },
  { point: "T11", what: "the answer to a confirm is lost", act: losesAnswer("tcc", "second", "T11") },
  {
    point: "T12",
    what: "two nodes drive the same transaction",
    act: async (scene) => {
      await scene.policy({ strategy: "tcc" });
      const { gid, status } = await sleepsThrough(scene, { point: "T9", times: 9 }, () => scene.whole());
      assert.deepEqual([status, (await scene.whole()).get(gid)], ["committed", "committed"]);
    },
  },
  {
    point: "T13",
    what: "a coordinator sleeps beyond its lease and then wants to commit",
    act: async (scene) => {
      await scene.policy({ strategy: "tcc" });
      const { gid, status } = await sleepsThrough(scene, { point: "T7" }, () => scene.whole());
      assert.deepEqual([status, (await scene.whole()).get(gid)], ["aborted", "aborted"]);
    },
  },
  {
    point: "T14",
    what: "a database comes back from a backup that is older than a transaction",
    act: async (scene) => {
      await scene.policy({ strategy: "tcc" });
      const { gid } = await scene.run();
      await scene.whole();
      const second = scene.world.books.sql("second");
      await second.begin(async (sql) => {
        await sql`create table lost as select * from ledger where gid = ${gid}`;
        await sql`delete from ledger where gid = ${gid}`;
        await sql`update account set balance = balance - (select sum(cents) from lost where act = 'confirm') where id = 'bob'`;
        await sql`create table lost_fence as select * from mortise_fence where gid = ${gid}`;
        await sql`delete from mortise_fence where gid = ${gid}`;
      });
      await assert.rejects(scene.whole(), /neither done nor undone/);
      await second.begin(async (sql) => {
        await sql`update account set balance = balance + (select sum(cents) from lost where act = 'confirm') where id = 'bob'`;
        await sql`insert into ledger select * from lost`;
        await sql`insert into mortise_fence select * from lost_fence`;
        await sql`drop table lost, lost_fence`;
      });
      await scene.whole();
    },
  },
];
