import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { eventually } from "@mortise/kernel/testing";
import { connect } from "nats";
import type { Injection } from "./injections-two-phases.ts";
import { appears, type Scene } from "./scene.ts";

const owns = ["own1", "own2"] as const;

const stuck = ({ world }: Scene, gid: string) =>
  appears(() => world.books.coordinator`select 1 from mortise_transaction where gid = ${gid} and stuck`);

/** What an account holds changes by hand, and the books say so. */
async function byHand({ world }: Scene, account: string, cents: bigint): Promise<void> {
  const what = cents < 0n ? "take" : "put";
  const sum = String(cents < 0n ? -cents : cents);
  const gid = randomUUID();
  await world.books.sql("fourth").begin(async (sql) => {
    for (const act of ["reserve", "confirm"])
      await sql`insert into ledger (gid, step, act, what, account, cents) values (${gid}, 'hand', ${act}, ${what}, ${account}, ${sum}::bigint)`;
    await sql`update account set balance = balance + ${String(cents)}::bigint where id = ${account}`;
  });
}

/** Throws away everything the bus has accepted. Gives how many messages those were. */
export async function loseMessages(url: string): Promise<number> {
  const nats = await connect({ servers: url });
  const manager = await nats.jetstreamManager();
  let lost = 0;
  for await (const stream of manager.streams.list()) lost += (await manager.streams.purge(stream.config.name)).purged;
  await nats.close();
  return lost;
}

const outbox = ({ world }: Scene, state: string) =>
  world.books.sql("own")`select 1 from mortise_outbox where state = ${state} and attempts > 0`;

/** Sleeps for longer than its lease at a point, while the other node settles it; then goes on. */
export async function sleepsThrough(
  scene: Scene,
  point: string,
  until: () => Promise<unknown>,
): Promise<{ gid: string; status: string }> {
  const own1 = scene.world.process("own1");
  await scene.arm("own1", `${point}=hold`);
  const running = scene.run({ timeoutMs: 60_000 });
  await scene.held("own1", point);
  own1.signal("SIGSTOP");
  await until();
  own1.signal("SIGCONT");
  await scene.release("own1");
  return running;
}

export const sagaInjections: readonly Injection[] = [
  {
    point: "S3",
    what: "the answer of a step is lost",
    act: async (scene) => {
      await scene.policy({ strategy: "saga" });
      await scene.arm("second", "S3=fail");
      const { gid, status } = await scene.run();
      assert.deepEqual([status, (await scene.whole()).get(gid)], ["committed", "committed"]);
    },
  },
  {
    point: "S4",
    what: "one of three banks says no",
    act: async (scene) => {
      await scene.policy({ strategy: "saga" });
      const { gid, reason } = await scene.run({ transaction: "collect", from: "dave" });
      assert.equal(reason, "TOO_LITTLE");
      assert.equal((await scene.whole()).get(gid), "aborted");
    },
  },
  ...(["pay", "collect"] as const).map(
    (transaction): Injection => ({
      point: "S5",
      what: `the deadline passes while ${transaction === "pay" ? "the pivot" : "a step"} is on its way`,
      act: async (scene) => {
        await scene.policy({ strategy: "saga", deadlineMs: 1_500 });
        await scene.arm("second", "S5=hold*9");
        const { gid, status } = await scene.run({ transaction });
        assert.equal(status, "aborted");
        await scene.whole();
        await scene.release("second");
        await scene.policy({ strategy: "saga" });
        assert.equal((await scene.run()).status, "committed");
        assert.equal((await scene.whole()).get(gid), "aborted");
      },
    }),
  ),
  {
    point: "S7",
    what: "an undo throws again and again",
    act: async (scene) => {
      await scene.policy({ strategy: "saga" });
      await scene.arm("second", "S7=fail*999");
      const { gid, status } = await scene.run({ transaction: "collect", from: "dave" });
      assert.equal(status, "aborted");
      await stuck(scene, gid);
      await scene.arm("second", "");
      assert.equal((await scene.whole()).get(gid), "aborted");
    },
  },
  {
    point: "S8",
    what: "a step behind the pivot fails again and again",
    act: async (scene) => {
      await scene.policy({ strategy: "saga" });
      await scene.arm("fourth", "S5=fail*999");
      const { gid, status } = await scene.run();
      assert.equal(status, "committed");
      await stuck(scene, gid);
      await scene.arm("fourth", "");
      assert.equal((await scene.whole()).get(gid), "committed");
    },
  },
  {
    point: "S9",
    what: "what is to be undone was spent meanwhile",
    act: async (scene) => {
      await scene.policy({ strategy: "saga" });
      const { coordinator, sql } = scene.world.books;
      await scene.arm("fourth", "S3=hold");
      const running = scene.run({ transaction: "collect", cents: 20, timeoutMs: 60_000 });
      await scene.held("fourth", "S3");
      const [before] = await sql("fourth")<{ balance: string }[]>`select balance from account where id = 'bob'`;
      await byHand(scene, "bob", -BigInt(before?.balance ?? 0));
      const abort = JSON.stringify({ reason: "FORCED", message: "by hand", step: "", details: {} });
      const [row] = await coordinator<{ gid: string }[]>`
        update mortise_transaction set status = 'aborting', decided_at = now(), abort = ${abort}::text::json
        where status = 'active' returning gid`;
      await scene.release("fourth");
      const { gid, status } = await running;
      assert.deepEqual([status, gid], ["aborted", row?.gid]);
      await stuck(scene, gid);
      await byHand(scene, "bob", 10_000n);
      assert.equal((await scene.whole()).get(gid), "aborted");
    },
  },
];

export const outboxInjections: readonly Injection[] = [
  {
    point: "O4",
    what: "the bus loses what it has accepted",
    act: async (scene) => {
      await scene.policy({ strategy: "outbox" });
      scene.world.process("second").signal("SIGKILL");
      const { gid } = await scene.run();
      await appears(() => outbox(scene, "sent"));
      await loseMessages(scene.world.nats.url);
      await scene.world.restart("second");
      assert.equal((await scene.whole()).get(gid), "committed");
    },
  },
  {
    point: "O6",
    what: "the bus loses an acknowledgement it has accepted",
    act: async (scene) => {
      await scene.policy({ strategy: "outbox" });
      await scene.arm("second", "O6=hold");
      const { gid } = await scene.run();
      await scene.held("second", "O6");
      for (const role of owns) scene.world.process(role).signal("SIGKILL");
      await Promise.all(owns.map((role) => scene.world.process(role).gone));
      await loseMessages(scene.world.nats.url);
      await scene.release("second");
      await eventually(async () => (await loseMessages(scene.world.nats.url)) > 0);
      await Promise.all(owns.map((role) => scene.world.restart(role)));
      assert.equal((await scene.whole()).get(gid), "committed");
    },
  },
  {
    point: "O6",
    what: "the acknowledgement of a consumer is lost",
    act: async (scene) => {
      await scene.policy({ strategy: "outbox" });
      await scene.arm("second", "O6=fail*2");
      const { gid } = await scene.run();
      assert.equal((await scene.whole()).get(gid), "committed");
    },
  },
  {
    point: "O7",
    what: "a message that cannot be handled until somebody mends it",
    act: async (scene) => {
      await scene.policy({ strategy: "outbox" });
      await scene.arm("second", "O5=fail*9999");
      const { gid } = await scene.run();
      await appears(
        () => scene.world.books.sql("own")`select 1 from mortise_outbox where gid = ${gid} and attempts > 2`,
      );
      assert.equal(await scene.outcome({ gid }), "pending");
      await scene.arm("second", "");
      await scene.world.quiet(120_000);
      assert.equal((await scene.whole()).get(gid), "committed");
    },
  },
  {
    point: "O8",
    what: "a transaction commits later than one that began after it",
    act: async (scene) => {
      await scene.policy({ strategy: "outbox" });
      await scene.arm("own1", "O1=hold");
      const slow = scene.run({ timeoutMs: 60_000 });
      await scene.held("own1", "O1");
      const quick = await scene.run({ role: "own2", from: "bob" });
      await eventually(async () => (await scene.outcome(quick)) === "committed", 90_000);
      await scene.release("own1");
      const { gid } = await slow;
      assert.equal((await scene.whole()).get(gid), "committed");
    },
  },
  {
    point: "O9",
    what: "a consumer that may say no is refused before anything begins",
    act: async (scene) => {
      await scene.policy({ strategy: "outbox" });
      await assert.rejects(scene.run({ transaction: "collect" }), /DTX004|DTX006/);
      await scene.whole();
    },
  },
];

export const messageInjections: readonly Injection[] = [
  {
    point: "M3",
    what: "the local transaction still runs when somebody checks back",
    act: async (scene) => {
      await scene.policy({ strategy: "message" });
      const waiting = () => scene.world.books.sql("own")`select 1 from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`;
      for (const role of owns) await scene.arm(role, "M3=hold"); // either may be asked to do it
      const running = scene.run({ timeoutMs: 60_000 });
      await Promise.any(owns.map((role) => scene.held(role, "M3")));
      scene.world.process("own1").signal("SIGSTOP");
      await appears(waiting);
      scene.world.process("own1").signal("SIGCONT");
      for (const role of owns) await scene.release(role);
      const { gid } = await running;
      assert.equal((await scene.whole()).get(gid), "committed");
    },
  },
  {
    point: "M5",
    what: "whether the local transaction was committed is not known",
    act: async (scene) => {
      await scene.policy({ strategy: "message" });
      for (const role of owns) await scene.arm(role, "M5=fail"); // either may be asked to do it
      const { gid } = await scene.run();
      assert.equal((await scene.whole()).get(gid), "committed");
    },
  },
  {
    point: "M6",
    what: "it wants to go on after a check-back has taken it back",
    act: async (scene) => {
      await scene.policy({ strategy: "message" });
      const { gid, status } = await sleepsThrough(scene, "M2", () => scene.whole());
      assert.equal(status, "aborted");
      assert.equal((await scene.whole()).get(gid), "aborted");
    },
  },
  {
    point: "M7",
    what: "everybody who could check back is gone for hours",
    act: async (scene) => {
      await scene.policy({ strategy: "message" });
      const { coordinator } = scene.world.books;
      scene.world.process("own2").signal("SIGSTOP");
      await scene.arm("own1", "M4=kill");
      const lost = assert.rejects(scene.run({ key: "hours" }));
      await scene.world.process("own1").gone;
      await coordinator`update mortise_transaction set created_at = created_at - interval '5 hours',
        lease_until = lease_until - interval '5 hours', next_at = next_at - interval '5 hours' where ended_at is null`;
      scene.world.process("own2").signal("SIGCONT");
      await Promise.all([lost, scene.world.restart("own1")]);
      await scene.whole();
      const { gid } = await scene.run({ key: "hours", role: "own2" });
      assert.equal((await scene.whole()).get(gid), "committed");
    },
  },
  {
    point: "M7",
    what: "who checks back dies as well",
    act: async (scene) => {
      await scene.policy({ strategy: "message" });
      await scene.arm("own2", "M7=kill");
      await scene.arm("own1", "M2=kill");
      const lost = assert.rejects(scene.run());
      await Promise.all([lost, scene.world.process("own1").gone]);
      await scene.dies("own2");
      await scene.world.restart("own1");
      await scene.whole();
    },
  },
];

export const noticeInjections: readonly Injection[] = [
  {
    point: "N3",
    what: "the answer of a receiver is lost",
    act: async (scene) => {
      await scene.policy({ strategy: "best-effort", scheduleMs: [50, 50, 50] });
      await scene.arm("second", "N3=fail");
      const { gid } = await scene.run();
      assert.equal((await scene.whole()).get(gid), "committed");
    },
  },
  {
    point: "N4",
    what: "the schedule is exhausted, and an operator sends it again",
    act: async (scene) => {
      await scene.policy({ strategy: "best-effort", scheduleMs: [50, 50] });
      scene.world.process("second").signal("SIGKILL");
      const { gid } = await scene.run();
      await appears(() => outbox(scene, "exhausted"));
      await scene.world.restart("second");
      assert.equal(await scene.outcome({ gid }).catch(() => "pending"), "pending");
      await scene.world.books.sql("own")`
        update mortise_outbox set state = 'ready', attempts = 0, next_at = clock_timestamp() where gid = ${gid}`;
      assert.equal((await scene.whole()).get(gid), "committed");
    },
  },
];
