// The strategy that docs/spi/transaction.md shows compiles, and keeps a law.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, it } from "node:test";
import { promisify } from "node:util";
import { root } from "./run.ts";

const run = promisify(execFile);
const page = readFileSync(join(root, "docs/spi/transaction.md"), "utf8");
const shown = [...page.matchAll(/```ts\n\/\/ (plugins\/\S+\.ts)\n([\s\S]*?)```/g)];

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "mortise-strategy-"));
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  const settings = { extends: join(root, "tsconfig.json"), include: ["*.ts"], exclude: [] };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(settings));
  for (const [, path = "", text = ""] of shown) await writeFile(join(folder, basename(path)), text);
});
after(() => rm(folder, { recursive: true }));

it("shows a strategy and its test, which compile", async () => {
  assert.deepEqual(
    shown.map(([, path]) => path),
    ["plugins/transaction/mine/mine.ts", "plugins/transaction/mine/mine.test.ts"],
  );
  await run(join(root, "node_modules/.bin/tsc"), ["-p", folder, "--noEmit"]);
});

it("shows a test that runs", async () => {
  const laws = ["--conditions=source", "--test", "--test-name-pattern=does all of a transaction", "mine.test.ts"];
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout } = await run(process.execPath, laws, { cwd: folder, env });
  assert.match(stdout, /✔ does all of a transaction/);
});
