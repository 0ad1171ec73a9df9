import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { eventually } from "@mortise/kernel/testing";
import type { Injection } from "./injecting.ts";
import { isNeverBegun, losesAnswer, losesDecision, preparedAt, whileHeld } from "./plays.ts";
import { appears, type Scene } from "./scene.ts";

const prepared = preparedAt("second");

/** Writes a prepared transaction that nobody has begun. */
async function orphan({ world }: Scene): Promise<string> {
  const gid = randomUUID();
  const sql = await world.books.sql("second").reserve();
  await sql`begin`;
  await sql`insert into mortise_fence (gid, branch, slot, kind, strategy, operations) values (${gid}, 'b2', 'R', 'apply', 'xa', 'put@1')`;
  await sql.unsafe(`prepare transaction 'mortise:${gid}:b2'`);
  sql.release();
  return gid;
}

/** Stops the server as a crash would; it is started again by whoever started it. */
async function crashPostgres({ world }: Scene): Promise<void> {
  const { coordinator } = world.books;
  const [row] = await coordinator<{ pid: number }[]>`
    select split_part(pg_read_file('postmaster.pid'), E'\n', 1)::int as pid`;
  assert.ok(row);
  process.kill(row.pid, "SIGQUIT");
  await eventually(async () => (await coordinator`select 1 as up`).length === 1, 90_000);
}

/** After the decision to commit somebody rolls a branch back: it is seen and told, never hidden. */
export async function rollsBackByHand(scene: Scene): Promise<void> {
  await scene.policy({ strategy: "xa" });
  const { books } = scene.world;
  const { gid } = await whileHeld(scene, { point: "X7" }, async () => {
    const [row] = await books.sql("second")<{ gid: string }[]>`
      select gid from pg_prepared_xacts where database = current_database()`;
    await books.sql("second").unsafe(`rollback prepared '${row?.gid}'`);
  });
  scene.interfered(gid);
  await scene.whole();
  const [record] = await books.coordinator`select heuristic from mortise_transaction where gid = ${gid}`;
  assert.match(record?.heuristic, /by hand/);
}

export const preparedInjections: readonly Injection[] = [
  {
    point: "X1",
    what: "its begin is never sent, and all branches are prepared",
    act: isNeverBegun("xa", "X1", prepared),
  },
  { point: "X4", what: "the vote is lost on its way", act: losesAnswer("xa", "second", "X4") },
  { point: "X6", what: "the answer to the decision is lost", act: losesAnswer("xa", "own1", "X6") },
  { point: "X8", what: "the answer to a commit is lost", act: losesAnswer("xa", "second", "X8") },
  {
    point: "X9",
    what: "a prepared transaction that nobody has begun",
    act: async (scene) => {
      const gid = await orphan(scene);
      await scene.whole();
      const { sql } = scene.world.books;
      await appears(
        () => sql("second")`
        select 1 from mortise_fence where gid = ${gid} and slot = 'R' and kind = 'tombstone'`,
      );
    },
  },
  {
    point: "X9",
    what: "a participant dies between the two listings of its sweep",
    act: async (scene) => {
      await scene.arm("second", "X9=kill");
      await orphan(scene);
      await scene.dies("second");
      await scene.whole();
    },
  },
  {
    point: "X10",
    what: "PostgreSQL crashes while everything is prepared",
    act: async (scene) => {
      await scene.policy({ strategy: "xa" });
      const { gid, status } = await whileHeld(scene, { point: "X5" }, () => crashPostgres(scene));
      const outcome = (await scene.whole()).get(gid);
      assert.ok(status === outcome || status === "pending");
    },
  },
  {
    point: "X10",
    what: "PostgreSQL crashes after the decision",
    act: async (scene) => {
      await scene.policy({ strategy: "xa" });
      const { gid } = await whileHeld(scene, { point: "X7" }, () => crashPostgres(scene));
      assert.equal((await scene.whole()).get(gid), "committed");
    },
  },
  { point: "X11", what: "somebody rolls a prepared transaction back by hand", act: rollsBackByHand },
  {
    point: "X12",
    what: "the coordinator's database loses the decision when one branch has committed",
    act: losesDecision("xa", "X7"),
  },
  {
    point: "P2",
    what: "what the pre-vote saw is gone when it prepares",
    act: async (scene) => {
      await scene.policy({ strategy: "3pc" });
      const all = { from: "carol", cents: 10_000 };
      const { status, reason } = await whileHeld(scene, { point: "P2", wish: all }, async () => {
        assert.equal((await scene.run({ role: "own2", ...all })).status, "committed");
      });
      assert.deepEqual([status, reason], ["aborted", "TOO_LITTLE"]);
      await scene.whole();
    },
  },
  {
    point: "P3",
    what: "participants ask for the decision themselves while nobody coordinates",
    act: async (scene) => {
      await scene.policy({ strategy: "3pc" });
      scene.world.process("own2").signal("SIGSTOP");
      await scene.arm("own1", "X7=kill");
      const lost = assert.rejects(scene.run());
      await scene.world.process("own1").gone;
      await eventually(async () => (await prepared(scene)).length === 0, 90_000);
      scene.world.process("own2").signal("SIGCONT");
      await Promise.all([lost, scene.world.restart("own1")]);
      await scene.whole();
    },
  },
];
