import assert from "node:assert/strict";
import { it } from "node:test";
import { showSwept } from "./show-swept.ts";
import { plainTerminal } from "./terminal.fixture.ts";

it("says of a participant that holds more than one sweep goes through that there are younger ones", () => {
  const { lines, terminal } = plainTerminal();
  const one = { participant: "shop.v1.Stock", gids: ["g1"], ended: 1, foreign: [], failed: [], closed: [] };
  const report = { participants: [{ ...one, more: true }, one], silent: [] };
  showSwept(terminal, report, { end: true, olderThan: "1m" });
  assert.deepEqual(lines, [
    "shop.v1.Stock  1 left behind, 1 ended",
    "               g1",
    "               (and younger ones, which are looked at once some of these are gone)",
    "shop.v1.Stock  1 left behind, 1 ended",
    "               g1",
  ]);
});
