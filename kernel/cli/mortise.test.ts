import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";

const launcher = join(import.meta.dirname, "mortise.js");

describe("the launcher", () => {
  it("runs the command from its sources, without flags", () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, "--help"], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^Usage: mortise /);
  });

  it("says nothing when its reader has read enough", () => {
    const command = `"${process.execPath}" "${launcher}" plugins --json | head -c 1`;
    const { stdout, stderr } = spawnSync(command, { encoding: "utf8", shell: true });
    assert.deepEqual([stdout, stderr], ["[", ""]);
  });

  it("says which Node it needs, where an old one runs it", () => {
    const old = `Object.defineProperty(process.versions, "node", { value: "20.1.0" }); import(${JSON.stringify(pathToFileURL(launcher).href)});`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ["-e", old], { encoding: "utf8" });
    assert.deepEqual([status, stdout], [2, ""]);
    assert.match(stderr, /^mortise needs Node 24 or newer/);
    assert.equal(stderr.trimEnd().split("\n").length, 1);
  });
});
