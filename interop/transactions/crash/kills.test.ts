import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { natsServer, postgresServer } from "@mortise/kernel/testing";
import { startWorld, type World } from "../world/world.ts";
import { type Kill, kills } from "./kills.ts";
import { play } from "./scene.ts";

/** Dies there, is taken over by others, and asks again under the same key: it is done once or not at all. */
function survives(world: World, { strategy, order, role, then, transaction, from = "alice" }: Kill): Promise<void> {
  return play(world, async (scene) => {
    await scene.policy({ strategy });
    const roles = role === "owns" ? (["own1", "own2"] as const) : [role];
    for (const one of roles) await scene.arm(one, order);
    const wish = { ...(transaction && { transaction }), from, key: `${strategy} ${order} ${role}` };
    const asked = scene.run(wish).catch(() => undefined); // who asks may die
    await Promise.all([scene.dies(...roles), asked]);
    await scene.whole();
    const again = await scene.run({ ...wish, role: "own2" });
    const status = again.status === "pending" ? await scene.outcome(again, transaction) : again.status;
    const wanted = then === "either" ? [status] : [then === "nothing" ? "committed" : then];
    assert.deepEqual([status], wanted);
    assert.equal((await scene.whole()).get(again.gid), status);
  });
}

const chosen = process.env.CRASH_POINTS?.split(",");
const nats = await natsServer({ ours: true });
const server = await postgresServer({ ours: true, settings: { synchronous_commit: "on" } });
const world = await startWorld({ postgres: server, nats, prefix: "k_", policy: { strategy: "xa" } });

describe("a process that is killed", () => {
  after(async () => {
    await world[Symbol.asyncDispose]();
    await Promise.all([server.stop(), nats.stop()]);
  });

  it("finds an account that is empty at the first bank", () =>
    play(world, async (scene) => {
      assert.equal((await scene.run({ from: "dave", cents: 10_000 })).status, "committed");
      await scene.whole();
    }));

  for (const kill of kills) {
    if (chosen && !chosen.includes(kill.order.replace("=kill", ""))) continue;
    it(`${kill.strategy}, ${kill.order.replace("=kill", "")}: ${kill.what}`, () => survives(world, kill));
  }
});
