import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { configCodes } from "./codes.ts";

it("every code of a problem is in the documentation, with its advice", async () => {
  const page = await readFile(join(import.meta.dirname, "../../docs/configuration.md"), "utf8");
  const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| (.+) \|$/gm)].map(([, code, advice]) => [code, advice]);
  assert.deepEqual(Object.fromEntries(rows), configCodes);
});
