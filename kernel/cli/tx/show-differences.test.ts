import assert from "node:assert/strict";
import { it } from "node:test";
import { showDifferences } from "./show-differences.ts";
import { plainTerminal } from "./terminal.fixture.ts";

const one = {
  ...{ gid: "01a1fee1-661c-7ad3-b1ad-f2e8d49feee4", name: "placeOrder", strategy: "tcc", status: "committed" },
  ...{ branch: "b2", participant: "shop.inventory.v1.StockOperations", steps: ["stock", "label"], what: "missing" },
  ...{ fence: [], heuristic: "", decidedAt: 1_000n },
};
const told = { differences: [one], compared: 953, next: "", silent: [] };
const away = { participant: "shop.payment.v1.Wallet", why: "it is down", code: "UNAVAILABLE" };

function shown(found: Parameters<typeof showDifferences>[1], width?: number): string[] {
  const { lines, terminal } = plainTerminal(width);
  showDifferences(terminal, found);
  return lines;
}

it("says that nothing differs only of what was compared", () => {
  assert.deepEqual(shown({ ...told, differences: [] }), ["nothing differs in 953 transactions"]);
  assert.deepEqual(shown({ ...told, differences: [], compared: 1, silent: [away] }), [
    "nothing differs in 1 transaction; shop.payment.v1.Wallet did not tell, and was not compared",
  ]);
  assert.equal(shown(told).at(-1), "1 branch differs in 953 transactions");
  assert.equal(shown({ ...told, differences: [one, one] }).at(-1), "2 branches differ in 953 transactions");
});

it("fits a terminal, and keeps every id and what differs in its row", () => {
  const closed = { ...one, fence: ["reserve"], what: "unfinished", heuristic: "b2 closed by ann: it was handed over" };
  for (const width of [80, 100, 140])
    for (const line of shown({ ...told, differences: [one, closed] }, width)) assert.ok(line.length <= width, line);
  assert.deepEqual(shown({ ...told, differences: [closed] }, 80).slice(0, 4), [
    "ID                                    NAME        BRANCH  IS",
    "01a1fee1-661c-7ad3-b1ad-f2e8d49feee4  placeOrder  b2      unfinished (reserve)",
    "    shop.inventory.v1.StockOperations; b2 closed by ann: it was handed over",
    "1 branch differs in 953 transactions",
  ]);
  assert.match(shown(told, 140)[1] ?? "", / committed +1970.* b2 +shop\.inventory\.v1\.StockOperations .*missing$/);
});
