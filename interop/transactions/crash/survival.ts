import assert from "node:assert/strict";
import { it } from "node:test";
import type { World } from "../world/world.ts";
import { type Kill, kills } from "./kills.ts";
import { isChosen, onWorld } from "./on-world.ts";
import { owns, play } from "./scene.ts";

/** Dies there, is taken over by others, and asks again under the same key: it is done once or not at all. */
function survives(world: World, { strategy, order, role, then, transaction, from = "alice" }: Kill): Promise<void> {
  return play(world, async (scene) => {
    await scene.policy({ strategy });
    const roles = role === "owns" ? owns : [role];
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

/** Registers the tests of all points of some strategies, in a world of their own. */
export async function testKills(strategies: readonly string[]): Promise<void> {
  const title = `a process that is killed under ${strategies.join(", ")}`;
  await onWorld(title, { prefix: "k_", strategy: strategies[0] ?? "" }, (world) => {
    it("finds an account that is empty at the first bank", () =>
      play(world, async (scene) => {
        const transaction = strategies.includes("best-effort") ? ("pay" as const) : undefined;
        const { gid } = await scene.run({ from: "dave", cents: 10_000, ...(transaction && { transaction }) });
        assert.equal((await scene.whole()).get(gid), "committed");
      }));

    for (const kill of kills) {
      const point = kill.order.replace("=kill", "");
      if (!strategies.includes(kill.strategy) || !isChosen(point)) continue;
      it(`${kill.strategy}, ${point}: ${kill.what}`, () => survives(world, kill));
    }
  });
}
