import assert from "node:assert/strict";
import { it } from "node:test";
import { isChosen, onWorld } from "./on-world.ts";
import { play, type Scene } from "./scene.ts";

/** A fault that is no death, at a numbered point. */
export interface Injection {
  readonly point: string;
  readonly what: string;
  readonly act: (scene: Scene) => Promise<void>;
}

/** Faults that are all injected under one strategy, which is chosen first. */
export function under(strategy: string, injections: readonly Injection[]): readonly Injection[] {
  return injections.map(({ act, ...injection }) => ({
    ...injection,
    act: async (scene) => {
      await scene.policy({ strategy });
      await act(scene);
    },
  }));
}

/** Registers the tests of faults that kill nobody, in a world of their own. */
export async function testInjections(title: string, all: readonly Injection[]): Promise<void> {
  await onWorld(`a fault that kills nobody, ${title}`, { prefix: "i_", strategy: "xa" }, (world) => {
    it("finds an account that is empty at the first bank", () =>
      play(world, async (scene) => {
        assert.equal((await scene.run({ from: "dave", cents: 10_000 })).status, "committed");
        await scene.whole();
      }));

    for (const { point, what, act } of all) {
      if (isChosen(point)) it(`${point}: ${what}`, () => play(world, act));
    }
  });
}
