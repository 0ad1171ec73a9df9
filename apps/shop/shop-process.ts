import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { systemPorts } from "@mortise/kernel";

export interface ShopProcessOptions {
  /** Where its PostgreSQL keeps the data. */
  readonly dataDir: string;
  /** The configuration, from the root; default `apps/shop/shop.yaml`. */
  readonly file?: string;
  /** Changes of the configuration, as `--set` takes them. */
  readonly set?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A shop in a process of its own, started as a user starts it. */
export interface LaunchedShop {
  /** Its address once its door is open, for example `http://127.0.0.1:40123`; rejects with what it said if it ends before. */
  readonly opened: Promise<string>;
  /** What it has written so far. */
  output(): string;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
  /** Ends it the gentle way and gives its exit code. */
  stop(): Promise<number | null>;
}

/** A shop whose door is open. */
export interface ShopProcess extends LaunchedShop {
  readonly url: string;
  /** How long it took until its door was open, in milliseconds. */
  readonly startedMs: number;
}

const root = join(import.meta.dirname, "../..");
const address = /the shop is open at (http:\/\/[^\s"]+)/;

/** Starts the shop on any free port and does not wait for it. */
export function launchShop({
  dataDir,
  file = "apps/shop/shop.yaml",
  set = [],
  env = {},
}: ShopProcessOptions): LaunchedShop {
  const settings = ["options.service/gateway.port=0", ...set].flatMap((one) => ["--set", one]);
  const args = ["--conditions=source", "kernel/cli/main.ts", "start", file, ...settings];
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...env, SHOP_DATA: dataDir },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  const ended = once(child, "exit");
  const opened = new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => {
        said += chunk;
        const found = address.exec(said)?.[1];
        if (found) resolve(found);
      });
    child.on("error", reject);
    child.on("exit", () => reject(new Error(`The shop ended before it was open. It said:\n${said}`)));
  });
  opened.catch(() => undefined); // who does not ask for it does not care
  return {
    opened,
    output: () => said,
    kill: async () => {
      if (!hasEnded(child)) child.kill("SIGKILL");
      await ended;
    },
    stop: async () => {
      if (!hasEnded(child)) child.kill("SIGTERM");
      await ended;
      return child.exitCode;
    },
  };
}

/** Starts the shop on any free port and waits until its door is open. */
export async function startShop(options: ShopProcessOptions): Promise<ShopProcess> {
  const began = systemPorts.clock.now();
  const launched = launchShop(options);
  const url = await launched.opened;
  return { ...launched, url, startedMs: systemPorts.clock.now() - began };
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
