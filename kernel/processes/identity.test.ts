import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { isRunning, processIdentity } from "./identity.ts";

describe("processIdentity", () => {
  it("stays the same while the process runs", () => {
    const identity = processIdentity(process.pid);
    assert.ok(identity);
    assert.equal(processIdentity(process.pid), identity);
    assert.ok(isRunning(identity));
    assert.doesNotMatch(identity, /\s/);
  });

  it("is another one for another process of the same number", () => {
    assert.equal(isRunning(`${process.pid}@1`), false);
  });

  it("is gone when the process has ended", async () => {
    const child = spawn("/bin/sleep", ["600"]);
    const identity = processIdentity(child.pid ?? 0) ?? "";
    assert.ok(isRunning(identity));
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.equal(isRunning(identity), false);
  });

  it("takes nonsense for no process", () => {
    for (const nonsense of ["", "@", "abc@5", "0@0", "-1@5"]) assert.equal(isRunning(nonsense), false);
  });
});
