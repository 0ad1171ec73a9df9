import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { eventually } from "@mortise/kernel/testing";
import { appears, type Scene } from "./scene.ts";

/** A fault that is no death, at a numbered point. */
export interface Injection {
  readonly point: string;
  readonly what: string;
  readonly act: (scene: Scene) => Promise<void>;
}

const deadline = { deadlineMs: 1_500 };

/** The order to lose an answer must not be noticed. */
function lostAnswer(strategy: string, point: string, role: "own1" | "second", what: string): Injection {
  return {
    point,
    what,
    act: async (scene) => {
      await scene.policy({ strategy });
      await scene.arm(role, `${point}=fail`);
      const { gid, status } = await scene.run();
      assert.equal(status, "committed");
      assert.equal((await scene.whole()).get(gid), "committed");
    },
  };
}

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

const prepared = ({ world }: Scene) =>
  world.books.sql("second")`select 1 from pg_prepared_xacts where database = current_database()`;

/** Stops the server as a crash would; it is started again by whoever started it. */
async function crashPostgres({ world }: Scene): Promise<void> {
  const { coordinator } = world.books;
  const [row] = await coordinator<{ pid: number }[]>`
    select split_part(pg_read_file('postmaster.pid'), E'\n', 1)::int as pid`;
  assert.ok(row);
  process.kill(row.pid, "SIGQUIT");
  await eventually(async () => (await coordinator`select 1 as up`).length === 1, 90_000);
}

async function afterThe(
  scene: Scene,
  point: string,
  work: () => Promise<void>,
): Promise<{ gid: string; status: string }> {
  await scene.arm("own1", `${point}=hold`);
  const running = scene.run({ timeoutMs: 60_000 });
  await scene.held("own1", point);
  await work();
  await scene.release("own1");
  return running;
}

/** After the decision to commit somebody rolls a branch back: it is seen and told, never hidden. */
export async function rollsBackByHand(scene: Scene): Promise<void> {
  await scene.policy({ strategy: "xa" });
  const { books } = scene.world;
  const { gid } = await afterThe(scene, "X7", async () => {
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
    act: async (scene) => {
      await scene.policy({ strategy: "xa" });
      await scene.arm("own1", "X1=hold");
      const lost = assert.rejects(scene.run());
      await appears(() => prepared(scene));
      scene.world.process("own1").signal("SIGKILL");
      await Promise.all([lost, scene.world.restart("own1")]);
      await scene.whole();
    },
  },
  lostAnswer("xa", "X4", "second", "the vote is lost on its way"),
  lostAnswer("xa", "X6", "own1", "the answer to the decision is lost"),
  lostAnswer("xa", "X8", "second", "the answer to a commit is lost"),
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
      const { gid, status } = await afterThe(scene, "X5", () => crashPostgres(scene));
      const outcome = (await scene.whole()).get(gid);
      assert.ok(status === outcome || status === "pending");
    },
  },
  {
    point: "X10",
    what: "PostgreSQL crashes after the decision",
    act: async (scene) => {
      await scene.policy({ strategy: "xa" });
      const { gid } = await afterThe(scene, "X7", () => crashPostgres(scene));
      assert.equal((await scene.whole()).get(gid), "committed");
    },
  },
  {
    point: "X11",
    what: "somebody rolls a prepared transaction back by hand",
    act: rollsBackByHand,
  },
  {
    point: "X12",
    what: "the coordinator's database loses the decision when one branch has committed",
    act: async (scene) => {
      await scene.policy({ strategy: "xa" });
      const { coordinator, sql } = scene.world.books;
      await scene.arm("own1", "X7:3=hold*9");
      const running = scene.run({ key: "lost decision" }).catch(() => undefined);
      await scene.held("own1", "X7");
      await appears(
        () =>
          sql(
            "own",
          )`select 1 from ledger where step = 'debit' and act = 'confirm' and n > (select max(n) - 2 from ledger)`,
      );
      await appears(() => prepared(scene));
      await coordinator`update mortise_transaction set status = 'active', decided_at = null where status = 'committing'`;
      scene.world.process("own1").signal("SIGKILL");
      await Promise.all([running, scene.world.restart("own1")]);
      await scene.whole();
      const { gid, status } = await scene.run({ key: "lost decision", role: "own2" });
      assert.equal(status, "committed");
      assert.equal((await scene.whole()).get(gid), "committed");
    },
  },
  {
    point: "P2",
    what: "what the pre-vote saw is gone when it prepares",
    act: async (scene) => {
      await scene.policy({ strategy: "3pc" });
      await scene.arm("own1", "P2=hold");
      const running = scene.run({ from: "carol", cents: 10_000 });
      await scene.held("own1", "P2");
      assert.equal((await scene.run({ role: "own2", from: "carol", cents: 10_000 })).status, "committed");
      await scene.release("own1");
      const { status, reason } = await running;
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

export const reservedInjections: readonly Injection[] = [
  {
    point: "T1",
    what: "its begin is never sent, and all branches are reserved",
    act: async (scene) => {
      await scene.policy({ strategy: "tcc" });
      await scene.arm("own1", "T1=hold");
      const lost = assert.rejects(scene.run());
      await appears(() => scene.world.books.sql("fourth")`select 1 from account where coming > 0`);
      scene.world.process("own1").signal("SIGKILL");
      await Promise.all([lost, scene.world.restart("own1")]);
      await scene.whole();
    },
  },
  lostAnswer("tcc", "T3", "second", "the answer to a reserve is lost"),
  {
    point: "T4",
    what: "a reserve comes after its cancel",
    act: async (scene) => {
      await scene.policy({ strategy: "tcc", ...deadline });
      await scene.arm("second", "T4=hold*9");
      const { gid, status, reason } = await scene.run();
      assert.deepEqual([status, reason], ["aborted", "DEADLINE"]);
      await scene.whole();
      await scene.release("second");
      await scene.policy({ strategy: "tcc" });
      assert.equal((await scene.run()).status, "committed");
      assert.equal((await scene.whole()).get(gid), "aborted");
    },
  },
  {
    point: "T5",
    what: "a cancel comes while the reserve is not committed",
    act: async (scene) => {
      await scene.policy({ strategy: "tcc", ...deadline });
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
  {
    point: "T6",
    what: "one of three banks says no",
    act: async (scene) => {
      await scene.policy({ strategy: "tcc" });
      const { gid, reason } = await scene.run({ transaction: "collect", from: "dave" });
      assert.equal(reason, "TOO_LITTLE");
      assert.equal((await scene.whole()).get(gid), "aborted");
    },
  },
  lostAnswer("tcc", "T8", "own1", "the answer to the decision is lost"),
  {
    point: "T10",
    what: "a confirm throws again and again",
    act: async (scene) => {
      await scene.policy({ strategy: "tcc" });
      await scene.arm("second", "T10=fail*999");
      const { gid, status } = await scene.run();
      assert.equal(status, "committed");
      await appears(
        () => scene.world.books.coordinator`select 1 from mortise_transaction where gid = ${gid} and stuck`,
      );
      await scene.arm("second", "");
      assert.equal((await scene.whole()).get(gid), "committed");
    },
  },
  lostAnswer("tcc", "T11", "second", "the answer to a confirm is lost"),
  {
    point: "T12",
    what: "two nodes drive the same transaction",
    act: async (scene) => {
      await scene.policy({ strategy: "tcc" });
      const own1 = scene.world.process("own1");
      await scene.arm("own1", "T9=hold*9");
      const running = scene.run({ timeoutMs: 60_000 });
      await scene.held("own1", "T9");
      own1.signal("SIGSTOP");
      await scene.whole();
      own1.signal("SIGCONT");
      await scene.release("own1");
      const { gid, status } = await running;
      assert.deepEqual([status, (await scene.whole()).get(gid)], ["committed", "committed"]);
    },
  },
  {
    point: "T13",
    what: "a coordinator sleeps beyond its lease and then wants to commit",
    act: async (scene) => {
      await scene.policy({ strategy: "tcc" });
      const own1 = scene.world.process("own1");
      await scene.arm("own1", "T7=hold");
      const running = scene.run({ timeoutMs: 60_000 });
      await scene.held("own1", "T7");
      own1.signal("SIGSTOP");
      await scene.whole();
      own1.signal("SIGCONT");
      await scene.release("own1");
      const { gid, status } = await running;
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
