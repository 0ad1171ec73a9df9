// How long the embedded shop takes to open, and what it holds in memory when idle: `npm run bench -- shop`, as data with
// --json. PostgreSQL's own processes are not counted.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const idleMs = 10_000;
const limitMb = 250;
/** As `npm start` has them: a young generation that does not grow to several times what an idle shop needs. */
const flags = ["--max-semi-space-size=16", "--conditions=source"];

interface Start {
  readonly openedMs: number;
  readonly idleMb: number;
}

async function startOnce(dataDir: string): Promise<Start> {
  const began = performance.now();
  const args = [
    ...flags,
    "kernel/cli/main.ts",
    "start",
    "apps/shop/shop.yaml",
    "--set",
    "options.service/gateway.port=0",
  ];
  const child = spawn(process.execPath, args, {
    cwd: join(import.meta.dirname, ".."),
    env: { ...process.env, SHOP_DATA: dataDir },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        said += chunk;
        if (said.includes("the shop is open at")) resolve();
      });
    }
    child.on("exit", () => reject(new Error(`The shop ended before it was open. It said:\n${said}`)));
  });
  const openedMs = performance.now() - began;
  await sleep(idleMs);
  const idleMb = residentMb(child.pid as number);
  child.removeAllListeners("exit");
  child.kill("SIGTERM");
  await once(child, "exit");
  return { openedMs, idleMb };
}

function residentMb(pid: number): number {
  return Number(execFileSync("ps", ["-o", "rss=", "-p", `${pid}`], { encoding: "utf8" })) / 1024;
}

const dataDir = mkdtempSync(join(tmpdir(), "mortise-bench-"));
try {
  const first = await startOnce(join(dataDir, "postgres"));
  const second = await startOnce(join(dataDir, "postgres"));
  if (process.argv.includes("--json")) console.log(JSON.stringify({ first, second, limitMb }));
  else {
    for (const [name, { openedMs, idleMb }] of Object.entries({
      "first start, databases created": first,
      "second start": second,
    })) {
      console.log(
        `${name.padEnd(32)} open after ${(openedMs / 1000).toFixed(2)} s, ${idleMb.toFixed(0)} MB after ${idleMs / 1000} s idle`,
      );
    }
    console.log(`an idle shop is meant to stay under ${limitMb} MB`);
  }
} finally {
  rmSync(dataDir, { recursive: true, force: true });
}
