// Runs every service of the shop in a process of its own: `npm run local -w @mortise/shop`.
// PostgreSQL and NATS (with JetStream) must be there: POSTGRES_URL, NATS_URL.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { styleText } from "node:util";

const services = ["user", "inventory", "marketing", "payment", "order", "gateway"];
const root = join(import.meta.dirname, "../..");
const width = Math.max(...services.map((name) => name.length));
const children: ChildProcess[] = [];

function start(service: string): ChildProcess {
  const args = ["--conditions=source", "kernel/cli/main.ts", "start", "apps/shop/shop.yaml", "--profile", "local"];
  const child = spawn(process.execPath, [...args, "--set", `services=[${service}]`], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const mark = styleText("dim", service.padEnd(width));
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      for (const line of text.trimEnd().split("\n")) console.log(`${mark} ${line}`);
    });
  child.on("exit", (code) => {
    if (!stopping) console.log(`${mark} ended with ${code}; stopping the others`);
    process.exitCode ??= code ?? 1;
    stop();
  });
  return child;
}

let stopping = false;
function stop(): void {
  stopping = true;
  for (const child of children) child.kill("SIGTERM");
}

process.on("SIGINT", stop);
process.on("SIGTERM", stop);
children.push(...services.map(start));
