import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { systemPorts } from "./ports.ts";

const { timers, ids, clock, random } = systemPorts;
const nextTimer = () => timers.sleep(1); // keeps the process alive meanwhile

/** Runs a program of its own that may use `systemPorts`, and gives what it printed. */
async function run(program: string): Promise<string> {
  const text = `import { systemPorts } from ${JSON.stringify(join(import.meta.dirname, "ports.ts"))};\n${program}`;
  const url = `data:text/javascript,${encodeURIComponent(text.replace('"/', '"file:///'))}`;
  const args = "deno" in process.versions ? ["run", "--allow-all", "--no-check", url] : ["--import", url, "--eval", ""];
  return (await promisify(execFile)(process.execPath, args, { timeout: 120_000 })).stdout.trim();
}

describe("the ports of the real world", () => {
  it("set timers of any length; those too long for the runtime do not fire at once", async () => {
    let fired = false;
    const fire = () => {
      fired = true;
    };
    const long = [
      timers.after(2 ** 31, fire),
      timers.after(Number.POSITIVE_INFINITY, fire),
      timers.every(2 ** 40, fire),
    ];
    const control = new AbortController();
    const sleep = timers.sleep(2 ** 40, control.signal).then(fire, () => "aborted");
    await nextTimer();
    await nextTimer();
    for (const timer of long) timer.cancel();
    control.abort();
    assert.equal(await sleep, "aborted");
    assert.equal(fired, false);
  });

  it("cancel what is set", async () => {
    let runs = 0;
    timers.after(0, () => runs++).cancel();
    const timer = timers.every(1, () => {
      if (++runs === 2) timer.cancel();
    });
    while (runs < 2) await nextTimer();
    await nextTimer();
    assert.equal(runs, 2);
  });

  it("end a sleep with the reason of its signal, before and during it", async () => {
    await assert.rejects(timers.sleep(1, AbortSignal.abort(new Error("before"))), /before/);
    const control = new AbortController();
    const sleep = timers.sleep(60_000, control.signal);
    control.abort(new Error("during"));
    await assert.rejects(sleep, /during/);
  });

  it("let the process end while timers are set, but not while somebody sleeps", async () => {
    assert.equal(
      await run(
        'systemPorts.timers.after(60_000, () => {}); systemPorts.timers.every(60_000, () => {}); console.log("ends");',
      ),
      "ends",
    );
    assert.equal(await run('systemPorts.timers.sleep(20).then(() => console.log("slept"));'), "slept");
  });

  it("tell time, and give numbers and ids of the right shape", () => {
    assert.ok(Math.abs(clock.wall() - Date.now()) < 30_000);
    const before = clock.now();
    assert.ok(clock.now() >= before);
    assert.ok(random() >= 0 && random() < 1);
    assert.match(ids.uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.match(ids.hex(8), /^[0-9a-f]{16}$/);
  });
});
