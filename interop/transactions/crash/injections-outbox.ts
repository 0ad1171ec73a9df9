import assert from "node:assert/strict";
import { eventually } from "@mortise/kernel/testing";
import { connect } from "nats";
import { type Injection, under } from "./injecting.ts";
import { whileHeld } from "./plays.ts";
import { appears, owns, type Scene } from "./scene.ts";

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

/**
 * Who begins it dies before the coordinator has heard of it, and whoever empties the outbox then dies right after: there is a
 * record all the same, and it ends once somebody is back.
 */
async function emptiesAndDies(scene: Scene, committed: string, emptied: string): Promise<void> {
  const { world } = scene;
  await Promise.all([scene.arm("own1", `${committed}=kill`), scene.arm("own2", `${emptied}=kill`)]);
  const asked = scene.run().catch(() => undefined);
  await Promise.all([...owns.map((role) => world.process(role).gone), asked]);
  const [record] = await world.books.coordinator<{ gid: string; status: string }[]>`
    select gid, status from mortise_transaction order by created_at desc limit 1`;
  assert.equal(record?.status, "committing");
  assert.equal((await world.books.sql("own")`select 1 from mortise_outbox`).length, 0);
  await Promise.all(owns.map((role) => world.restart(role)));
  assert.equal((await scene.whole()).get(record.gid), "committed");
}

export const outboxInjections = under("outbox", [
  {
    point: "O10",
    what: "nobody lives who knows that an outbox was emptied",
    act: (scene) => emptiesAndDies(scene, "O2", "O10"),
  },
  {
    point: "O4",
    what: "the bus loses what it has accepted",
    act: async (scene) => {
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
      await scene.arm("second", "O6=fail*2");
      const { gid } = await scene.run();
      assert.equal((await scene.whole()).get(gid), "committed");
    },
  },
  {
    point: "O7",
    what: "a message that cannot be handled until somebody mends it",
    act: async (scene) => {
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
      const { gid } = await whileHeld(scene, { point: "O1" }, async () => {
        const quick = await scene.run({ role: "own2", from: "bob" });
        await eventually(async () => (await scene.outcome(quick)) === "committed", 90_000);
      });
      assert.equal((await scene.whole()).get(gid), "committed");
    },
  },
  {
    point: "O9",
    what: "a consumer that may say no is refused before anything begins",
    act: async (scene) => {
      await assert.rejects(scene.run({ transaction: "collect" }), /DTX004|DTX006/);
      await scene.whole();
    },
  },
]);

export const noticeInjections: readonly Injection[] = [
  {
    point: "N5",
    what: "nobody lives who knows that the last notice was taken",
    act: async (scene) => {
      await scene.policy({ strategy: "best-effort", scheduleMs: [50, 50, 50] });
      await emptiesAndDies(scene, "N2", "N5");
    },
  },
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
      await scene.world.books.retries.sendAgain(gid);
      assert.equal((await scene.whole()).get(gid), "committed");
    },
  },
];
