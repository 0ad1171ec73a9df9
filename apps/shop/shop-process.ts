import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

export interface ShopProcessOptions {
  /** Where its PostgreSQL keeps the data. */
  readonly dataDir: string;
  /** Changes of the configuration, as `--set` takes them. */
  readonly set?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A shop that runs in a process of its own, started as a user starts it. */
export interface ShopProcess {
  /** For example `http://127.0.0.1:40123`. */
  readonly url: string;
  /** How long it took until its door was open, in milliseconds. */
  readonly startedMs: number;
  /** What it has written so far. */
  output(): string;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
  /** Ends it the gentle way and gives its exit code. */
  stop(): Promise<number | null>;
}

const root = join(import.meta.dirname, "../..");
const address = /the shop is open at (http:\/\/[^\s"]+)/;

/** Starts the shop on any free port. Rejects with what it wrote if it ends before its door is open. */
export async function startShop({ dataDir, set = [], env = {} }: ShopProcessOptions): Promise<ShopProcess> {
  const settings = ["options.service/gateway.port=0", ...set].flatMap((one) => ["--set", one]);
  const args = ["--conditions=source", "kernel/cli/main.ts", "start", "apps/shop/shop.yaml", ...settings];
  const began = performance.now();
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...env, SHOP_DATA: dataDir },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  const ended = once(child, "exit");
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => {
        said += chunk;
        const found = address.exec(said)?.[1];
        if (found) resolve(found);
      });
    child.on("error", reject);
    child.on("exit", () => reject(new Error(`The shop ended before it was open. It said:\n${said}`)));
  });
  return {
    url,
    startedMs: performance.now() - began,
    output: () => said,
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
    },
    stop: async () => {
      if (!hasEnded(child)) child.kill("SIGTERM");
      await ended;
      return child.exitCode;
    },
  };
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
