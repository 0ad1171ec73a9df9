import assert from "node:assert/strict";
import { it } from "node:test";
import { fitted, type Giving, table } from "./table.ts";

const head = ["ID", "NAME", "STATUS", "WHY"];
const rows = [
  ["8d49feee4", "placeOrder", "committing", "shop.v1.Stock: internal error bb557cf33a016f1b"],
  ["9d3b1c77a", "gift", "active", ""],
];
const giving: readonly Giving[] = [
  { column: 3, goes: "below" },
  { column: 2, goes: "out" },
];
const wide = [
  "ID         NAME        STATUS      WHY",
  "8d49feee4  placeOrder  committing  shop.v1.Stock: internal error bb557cf33a016f1b",
  "9d3b1c77a  gift        active",
];

it("leaves a table whole where nobody looks, or there is room", () => {
  for (const width of [undefined, 81, 200]) {
    const { head: first, rows: others } = table(head, rows, width, giving);
    assert.deepEqual([first, ...others.flat()], wide);
  }
});

it("lets what is least important give way first, and cuts no word", () => {
  const why = "    shop.v1.Stock: internal error bb557cf33a016f1b";
  const { head: first, rows: others } = table(head, rows, 80, giving);
  assert.equal(first, "ID         NAME        STATUS");
  assert.deepEqual(others, [["8d49feee4  placeOrder  committing", why], ["9d3b1c77a  gift        active"]]);
  assert.deepEqual(table(head, rows, 30, giving).rows[0], [
    "8d49feee4  placeOrder",
    "    shop.v1.Stock: internal",
    "    error bb557cf33a016f1b",
  ]);
});

it("puts several columns below in one line, and goes no further than it is told", () => {
  const both: readonly Giving[] = [...giving.slice(0, 1), { column: 1, goes: "below" }];
  assert.deepEqual(fitted(rows.slice(0, 1), 10, both), [
    [
      "8d49feee4  committing",
      "    placeOrder;",
      "    shop.v1.Stock:",
      "    internal",
      "    error",
      "    bb557cf33a016f1b",
    ],
  ]);
});
