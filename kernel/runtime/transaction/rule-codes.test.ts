import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { planRules } from "./plan-rules.ts";
import { transactionCodes } from "./rule-codes.ts";
import { worldRules } from "./world-rules.ts";

it("every code is in the documentation, with its advice", async () => {
  const page = await readFile(join(import.meta.dirname, "../../../docs/transactions-rules.md"), "utf8");
  const rows = [...page.matchAll(/^\| `(DTX\d+)` \| [^|]+ \| (.+) \|$/gm)].map(([, code, advice]) => [code, advice]);
  assert.deepEqual(Object.fromEntries(rows), transactionCodes);
});

it("every code belongs to a rule, but those found without looking at a plan", () => {
  const ruled = new Set<string>([...planRules, ...worldRules].map(({ code }) => code));
  const others = Object.keys(transactionCodes).filter((code) => !ruled.has(code));
  assert.deepEqual(others, ["DTX001", "DTX011", "DTX020"]);
});
