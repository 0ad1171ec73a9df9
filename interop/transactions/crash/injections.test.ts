import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { natsServer, postgresServer } from "@mortise/kernel/testing";
import { startWorld } from "../world/world.ts";
import { messageInjections, noticeInjections, outboxInjections, sagaInjections } from "./injections-messages.ts";
import { preparedInjections, reservedInjections } from "./injections-two-phases.ts";
import { play } from "./scene.ts";

const all = [
  ...preparedInjections,
  ...reservedInjections,
  ...sagaInjections,
  ...outboxInjections,
  ...messageInjections,
  ...noticeInjections,
];
const chosen = process.env.CRASH_POINTS?.split(",");
const nats = await natsServer({ ours: true });
const server = await postgresServer({ ours: true, settings: { synchronous_commit: "on" } });
const world = await startWorld({ postgres: server, nats, prefix: "i_", policy: { strategy: "xa" } });

describe("a fault that kills nobody", () => {
  after(async () => {
    await world[Symbol.asyncDispose]();
    await Promise.all([server.stop(), nats.stop()]);
  });

  it("finds an account that is empty at the first bank", () =>
    play(world, async (scene) => {
      assert.equal((await scene.run({ from: "dave", cents: 10_000 })).status, "committed");
      await scene.whole();
    }));

  for (const { point, what, act } of all) {
    if (chosen && !chosen.includes(point)) continue;
    it(`${point}: ${what}`, () => play(world, act));
  }
});
