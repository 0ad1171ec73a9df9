import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { aheadOfTimeSource } from "./aot.ts";
import { contractModules, contractsIn } from "./proto/write.ts";

const here = import.meta.dirname;
const dir = await mkdtemp(join(tmpdir(), "mortise-aot-"));
after(() => rm(dir, { recursive: true }));
await symlink(resolve(here, "../../node_modules"), join(dir, "node_modules"));

const fixtures = join(here, "testing/contracts");
const contracts = await contractsIn(await contractModules(fixtures));
await writeFile(join(dir, "codecs.ts"), aheadOfTimeSource(contracts));
const urlOf = (path: string) => JSON.stringify(pathToFileURL(resolve(here, path)).href);

/** Runs a module where code from text is forbidden and returns what it printed. */
function run(lines: readonly string[]): string {
  const source = [
    `import { codecOf } from ${urlOf("index.ts")};`,
    `import { aheadOfTime } from ${urlOf("codec/ahead.ts")};`,
    `import { Order, orders } from ${urlOf("testing/contracts/order.ts")};`,
    ...lines,
  ].join("\n");
  const flags = ["--conditions=source", "--disallow-code-generation-from-strings", "--input-type=module-typescript"];
  const { stdout, stderr, status } = spawnSync(process.execPath, [...flags, "--eval", source], {
    cwd: dir,
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  return stdout;
}

const roundTrip = [
  "const codec = codecOf(Order);",
  "const bytes = orders.map((order) => Buffer.from(codec.encode(order)).toString('hex'));",
  "for (const hex of bytes) if (Buffer.from(codec.encode(codec.decode(Buffer.from(hex, 'hex')))).toString('hex') !== hex) throw hex;",
  "try { codec.encode({ ...orders[0], id: 5 }); throw 'not refused'; } catch (error) { if (error.code !== 'INVALID_ARGUMENT') throw error; }",
  "console.log(bytes.join('\\n'));",
];

describe("where code from text is forbidden", () => {
  it("forbids it indeed", () => {
    assert.equal(run(["try { new Function('return 1'); } catch (error) { console.log(error.name); }"]), "EvalError\n");
  });

  it("an interpreting codec writes the same bytes", async () => {
    const { codecOf } = await import("./index.ts");
    const { Order, orders } = await import("./testing/contracts/order.ts");
    const expected = orders.map((order) => Buffer.from(codecOf(Order).encode(order)).toString("hex"));
    const printed = run(["console.log(aheadOfTime(Order) === undefined);", ...roundTrip])
      .trimEnd()
      .split("\n");
    assert.deepEqual(printed, ["true", ...expected]);
  });

  it("a codec written ahead of time is used, and writes the same bytes", async () => {
    const interpreted = run(roundTrip);
    const ready = run(["await import('./codecs.ts');", "console.log(typeof aheadOfTime(Order));", ...roundTrip]);
    assert.equal(ready, `object\n${interpreted}`);
  });

  it("a codec written ahead of time for another form of the message is not used", () => {
    const printed = run([
      "import { message, string } from '@mortise/kernel/contract';",
      "await import('./codecs.ts');",
      `const Other = message(Order.name, { id: string(1) });`,
      "console.log(typeof aheadOfTime(Other), codecOf(Other).encode({ id: 'a' }).length);",
    ]);
    assert.equal(printed, "undefined 3\n");
  });
});
