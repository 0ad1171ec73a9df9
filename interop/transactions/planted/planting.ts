import assert from "node:assert/strict";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { natsServer, postgresServer } from "@mortise/kernel/testing";
import { play } from "../crash/scene.ts";
import { startWorld, type World, type WorldOptions } from "../world/world.ts";
import { type BugName, bugs } from "./bugs.ts";
import { plays } from "./scenes.ts";

const given = process.env.PLANTED_BUG;

export interface Planting {
  /** How the world of these differs. */
  readonly world?: Partial<WorldOptions>;
  /** What is said when one is found; by default anything the checks say. */
  readonly found?: RegExp;
}

/** Registers the tests of some mistakes: each play goes well without it, and finds it. */
export async function testPlanted(names: readonly BugName[], planting: Planting = {}): Promise<void> {
  const nats = await natsServer({ ours: true });
  const postgres = await postgresServer({ ours: true, settings: { synchronous_commit: "on" } });
  let count = 0;
  const worldWith = (options: Partial<WorldOptions>): Promise<World> => {
    const policy = { strategy: "tcc" };
    return startWorld({
      postgres,
      nats,
      prefix: `p${count++}_`,
      policy,
      together: true,
      ...planting.world,
      ...options,
    });
  };
  const chosen = names.filter((name) => given === undefined || given === name);

  describe("what plays with planted mistakes", () => {
    after(() => Promise.all([postgres.stop(), nats.stop()]));

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
          (error: Error) => isFinding(error) && (planting.found?.test(error.message) ?? true),
        );
      });
    }
  });
}

/** Not just any error: something the checks have said. */
function isFinding({ name, message }: Error): boolean {
  return name === "Violation" || name === "AssertionError" || /there is still/.test(message);
}
