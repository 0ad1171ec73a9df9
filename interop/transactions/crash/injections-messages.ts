import assert from "node:assert/strict";
import { under } from "./injecting.ts";
import { sleepsThrough } from "./plays.ts";
import { appears, owns } from "./scene.ts";

export const messageInjections = under("message", [
  {
    point: "M3",
    what: "the local transaction still runs when somebody checks back",
    act: async (scene) => {
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
      for (const role of owns) await scene.arm(role, "M5=fail"); // either may be asked to do it
      const { gid } = await scene.run();
      assert.equal((await scene.whole()).get(gid), "committed");
    },
  },
  {
    point: "M6",
    what: "it wants to go on after a check-back has taken it back",
    act: async (scene) => {
      const { gid, status } = await sleepsThrough(scene, { point: "M2" }, () => scene.whole());
      assert.equal(status, "aborted");
      assert.equal((await scene.whole()).get(gid), "aborted");
    },
  },
  {
    point: "M7",
    what: "everybody who could check back is gone for hours",
    act: async (scene) => {
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
      await scene.arm("own2", "M7=kill");
      await scene.arm("own1", "M2=kill");
      const lost = assert.rejects(scene.run());
      await Promise.all([lost, scene.world.process("own1").gone]);
      await scene.dies("own2");
      await scene.world.restart("own1");
      await scene.whole();
    },
  },
]);
