import assert from "node:assert/strict";
import { it } from "node:test";
import { fuzz } from "@mortise/kernel/testing";
import { target as server } from "./grpc.fuzz.fixture.ts";
import { target as client } from "./grpc-client.fuzz.fixture.ts";

it("a listener of protocol/grpc takes 1,000 mutated connections or ends them, and goes on serving others", async () => {
  const { taken, refused } = await fuzz(server, { runs: 1000 });
  assert.ok(taken > 20 && refused > 20, `${taken} taken, ${refused} refused`);
});

it("a caller over protocol/grpc takes 300 mutated answers or fails with a status", async () => {
  const { taken, refused } = await fuzz(client, { runs: 300 });
  assert.ok(taken > 3 && refused > 20, `${taken} taken, ${refused} refused`);
});
