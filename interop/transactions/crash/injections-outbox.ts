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

export const outboxInjections = under("outbox", [
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
