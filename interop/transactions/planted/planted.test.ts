import assert from "node:assert/strict";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { natsServer, postgresServer } from "@mortise/kernel/testing";
import { play } from "../crash/scene.ts";
import { startWorld, type World, type WorldOptions } from "../world/world.ts";
import { type BugName, bugs } from "./bugs.ts";
import { plays } from "./scenes.ts";

const nats = await natsServer({ ours: true });
const server = await postgresServer({ ours: true, settings: { synchronous_commit: "on" } });
let count = 0;

function worldWith(options: Partial<WorldOptions>): Promise<World> {
  const policy = { strategy: "tcc" };
  return startWorld({ postgres: server, nats, prefix: `p${count++}_`, policy, together: true, ...options });
}

const names = Object.keys(bugs) as readonly BugName[];
const chosen = names.filter((name) => process.env.PLANTED_BUG === undefined || process.env.PLANTED_BUG === name);

describe("what plays with planted mistakes", () => {
  after(() => Promise.all([server.stop(), nats.stop()]));

  it("goes well without any", async () => {
    await using world = await worldWith({});
    for (const act of new Set(chosen.map((name) => plays[name]))) await play(world, act);
  });

  for (const name of chosen) {
    it(`finds out who ${bugs[name].name}`, async () => {
      const start = { imports: [join(import.meta.dirname, "plant.ts")], env: { PLANTED_BUG: name } };
      await using world = await worldWith({ start, quietMs: 5_000 });
      await assert.rejects(
        play(world, plays[name]),
        (found: Error) =>
          found.name === "Violation" || found.name === "AssertionError" || /there is still/.test(found.message),
      );
    });
  }
});
