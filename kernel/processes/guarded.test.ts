import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { spawnGuarded } from "./guarded.ts";
import { isRunning, processIdentity } from "./identity.ts";

const shell = "/bin/sh";
/** Tells its process id by a file and lives for long. */
const long = ["-c", "echo $$ > pid; exec sleep 600"];
const stubborn = ["-c", "trap '' TERM INT; echo $$ > pid; while :; do sleep 1; done"];

describe("spawnGuarded", () => {
  let dir = "";
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "guarded-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("tells the exit code", async () => {
    assert.deepEqual(await spawnGuarded(shell, ["-c", "exit 3"], { cwd: dir }).exited, { code: 3 });
  });

  it("tells the signal that killed the program", async () => {
    assert.deepEqual(await spawnGuarded(shell, ["-c", "kill -KILL $$"], { cwd: dir }).exited, { signal: 9 });
  });

  it("gives what the program writes", async () => {
    const { output, exited } = spawnGuarded(shell, ["-c", "echo out; echo err >&2"], { cwd: dir });
    const texts = output.map((stream) => stream.setEncoding("utf8").toArray());
    await exited;
    assert.deepEqual((await Promise.all(texts)).flat().sort(), ["err\n", "out\n"]);
  });

  it("passes arguments on as they are", async () => {
    const { output } = spawnGuarded("/bin/echo", ["a b", "$HOME", "'", '"', "*"], { cwd: dir });
    const [out] = await Promise.all(output.map((stream) => stream.setEncoding("utf8").toArray()));
    assert.equal(out?.join(""), `a b $HOME ' " *\n`);
  });

  it("ends the program when asked", async () => {
    const guarded = spawnGuarded(shell, long, { cwd: dir });
    const program = await started(dir);
    assert.deepEqual(await guarded.stop(), { signal: 15 });
    assert.equal(isRunning(program), false);
    assert.deepEqual(await guarded.stop(), { signal: 15 });
  });

  it("kills a program that does not listen", async () => {
    const guarded = spawnGuarded(shell, stubborn, { cwd: dir, end: [{ signal: "INT", waitSeconds: 1 }] });
    await started(dir);
    assert.deepEqual(await guarded.stop(), { signal: 9 });
  });

  it("passes signals on", async () => {
    const guarded = spawnGuarded(shell, long, { cwd: dir });
    await started(dir);
    guarded.signal("KILL");
    assert.deepEqual(await guarded.exited, { signal: 9 });
  });

  it("ends the program when its guard is killed", async () => {
    const guarded = spawnGuarded(shell, ["-c", "echo $PPID > guard; echo $$ > pid; exec sleep 600"], { cwd: dir });
    const program = await started(dir);
    const guard = Number(readFileSync(join(dir, "guard"), "utf8"));
    assert.ok(guard > 1, "0 would be our own process group");
    process.kill(guard, "SIGKILL");
    await guarded.exited;
    await gone(program);
  });

  for (const [how, ending] of [
    ["is killed", "process.kill(process.pid, 'SIGKILL')"],
    ["exits", "process.exit(0)"],
    ["fails", "throw new Error('as planned')"],
  ] as const) {
    it(`ends the program when this process ${how}`, async () => {
      const module = JSON.stringify(new URL("./guarded.ts", import.meta.url).href);
      const source = `
        import { spawnGuarded } from ${module};
        import { existsSync } from "node:fs";
        spawnGuarded("/bin/sh", ${JSON.stringify(long)}, { cwd: "." }).unref();
        while (!existsSync("pid")) await new Promise((resolve) => setTimeout(resolve, 5));
        while (!existsSync("seen")) await new Promise((resolve) => setTimeout(resolve, 5));
        ${ending};`;
      const args = "Deno" in globalThis ? ["eval", "--ext=mjs", source] : ["--input-type=module", "-e", source];
      const app = spawn(process.execPath, args, { cwd: dir, stdio: "ignore" });
      const program = await started(dir);
      assert.ok(isRunning(program));
      const exited = new Promise((resolve) => app.on("exit", resolve));
      writeFileSync(join(dir, "seen"), "");
      await exited;
      await gone(program);
    });
  }
});

/** The identity of the program that told its process id in `dir`. */
async function started(dir: string): Promise<string> {
  return until(() => {
    try {
      return processIdentity(Number(readFileSync(join(dir, "pid"), "utf8")));
    } catch {
      return undefined;
    }
  });
}

async function gone(program: string): Promise<void> {
  await until(() => !isRunning(program) || undefined);
}

async function until<T>(condition: () => T | undefined): Promise<T> {
  for (const deadline = performance.now() + 60_000; performance.now() < deadline; await sleep(5)) {
    const value = condition();
    if (value !== undefined) return value;
  }
  throw new Error("the condition did not come true within 60 s");
}
