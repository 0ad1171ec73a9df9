import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { it } from "node:test";

const root = resolve(import.meta.dirname, "../..");
const guide = await readFile(resolve(root, "docs/contracts.md"), "utf8");

it("the examples of docs/contracts.md do what they say", () => {
  const blocks = [...guide.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code);
  assert.ok(blocks.length >= 4);
  const source = ['import assert from "node:assert/strict";', ...blocks].join("\n");
  const flags = ["--conditions=source", "--input-type=module-typescript", "--eval", source];
  const { status, stderr } = spawnSync(process.execPath, flags, { cwd: resolve(root, "plugins"), encoding: "utf8" });
  assert.equal(status, 0, stderr);
});

it("the functions docs/contracts.md lists are there", async () => {
  const door: Readonly<Record<string, unknown>> = await import("./index.ts");
  const table = guide.slice(guide.indexOf("## Functions"));
  const names = [...table.matchAll(/`(\w+)\(/g)].map(([, name]) => name ?? "");
  assert.ok(names.length > 15);
  for (const name of names) assert.equal(typeof door[name], "function", name);
});
