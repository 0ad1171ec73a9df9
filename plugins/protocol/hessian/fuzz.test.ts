import assert from "node:assert/strict";
import { it } from "node:test";
import { fuzz } from "@mortise/kernel/testing";
import { target } from "./hessian-rpc.fuzz.fixture.ts";

it("protocol/hessian reads 50,000 mutated calls and replies or refuses them, in bounded memory", async () => {
  const { taken, refused, peakBytes } = await fuzz(target, { runs: 50_000 });
  assert.ok(taken > 1000 && refused > 1000, `${taken} taken, ${refused} refused`);
  assert.ok(peakBytes < 512 * 1024 * 1024, `${peakBytes} bytes, garbage included`);
});
