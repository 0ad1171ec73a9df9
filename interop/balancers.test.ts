import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { it } from "node:test";
import { installedOf } from "./installed.fixture.ts";

/** The engine boxes some numbers; the smallest object with a function is larger than this, in bytes. */
const limit = 40;

it("no installed balancer makes an object per pick", async () => {
  const flags = ["--conditions=source", "--min-semi-space-size=256", "--max-semi-space-size=256"];
  const args = [...flags, join(import.meta.dirname, "balancers.fixture.ts")];
  const { "an object per pick": object = 0, ...bytes } = JSON.parse(
    execFileSync(process.execPath, args, { encoding: "utf8" }),
  ) as Record<string, number>;
  assert.deepEqual(Object.keys(bytes).sort(), [...(await installedOf("loadbalancer")).keys()].sort());
  assert.ok(object > limit, `an object would not be noticed: ${object} bytes`);
  for (const [name, perPick] of Object.entries(bytes)) assert.ok(perPick < limit, `${name}: ${perPick} bytes per pick`);
});
