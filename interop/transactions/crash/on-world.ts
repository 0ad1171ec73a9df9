import { after, describe } from "node:test";
import { natsServer, postgresServer } from "@mortise/kernel/testing";
import { startWorld, type World } from "../world/world.ts";

const chosen = process.env.CRASH_POINTS?.split(",");

/** Whether the tests of a point are to run. */
export const isChosen = (point: string): boolean => !chosen || chosen.includes(point);

/** Registers tests that share a world of processes, with servers of its own. */
export async function onWorld(
  title: string,
  { prefix, strategy }: { readonly prefix: string; readonly strategy: string },
  tests: (world: World) => void,
): Promise<void> {
  const nats = await natsServer({ ours: true });
  const postgres = await postgresServer({ ours: true, settings: { synchronous_commit: "on" } });
  const world = await startWorld({ postgres, nats, prefix, policy: { strategy } });
  describe(title, () => {
    after(async () => {
      await world[Symbol.asyncDispose]();
      await Promise.all([postgres.stop(), nats.stop()]);
    });
    tests(world);
  });
}
