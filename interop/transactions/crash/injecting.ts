import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { natsServer, postgresServer } from "@mortise/kernel/testing";
import { startWorld } from "../world/world.ts";
import { play, type Scene } from "./scene.ts";

/** A fault that is no death, at a numbered point. */
export interface Injection {
  readonly point: string;
  readonly what: string;
  readonly act: (scene: Scene) => Promise<void>;
}

const chosen = process.env.CRASH_POINTS?.split(",");

/** Registers the tests of faults that kill nobody, in a world of their own. */
export async function testInjections(title: string, all: readonly Injection[]): Promise<void> {
  const nats = await natsServer({ ours: true });
  const postgres = await postgresServer({ ours: true, settings: { synchronous_commit: "on" } });
  const world = await startWorld({ postgres, nats, prefix: "i_", policy: { strategy: "xa" } });
  describe(`a fault that kills nobody, ${title}`, () => {
    after(async () => {
      await world[Symbol.asyncDispose]();
      await Promise.all([postgres.stop(), nats.stop()]);
    });

    it("finds an account that is empty at the first bank", () =>
      play(world, async (scene) => {
        assert.equal((await scene.run({ from: "dave", cents: 10_000 })).status, "committed");
        await scene.whole();
      }));

    for (const { point, what, act } of all) {
      if (!chosen || chosen.includes(point)) it(`${point}: ${what}`, () => play(world, act));
    }
  });
}
