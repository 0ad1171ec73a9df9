import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { eventually } from "@mortise/kernel/testing";

/** One service of the shop in a process of its own, as `shop.local.yaml` means it. */
export interface ServiceProcess {
  readonly name: string;
  output(): string;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

const root = join(import.meta.dirname, "../..");

/** Starts one service with the profile `local` and waits until it says that it is up. */
export async function startService(
  name: string,
  env: Readonly<Record<string, string>>,
  set: readonly string[] = [],
): Promise<ServiceProcess> {
  const settings = [`services=[${name}]`, ...set].flatMap((one) => ["--set", one]);
  const args = ["--conditions=source", "kernel/cli/main.ts", "start", "apps/shop/shop.yaml", "--profile", "local"];
  const child: ChildProcess = spawn(process.execPath, [...args, ...settings], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (said += chunk));
  const ended = once(child, "exit");
  const end = async (signal: "SIGKILL" | "SIGTERM") => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
  };
  await eventually(() => {
    if (child.exitCode !== null) throw new Error(`${name} ended. It said:\n${said}`);
    return said.includes("shop is up");
  }, 120_000).catch((error: unknown) => {
    throw new Error(`${name} did not start. It said:\n${said}`, { cause: error });
  });
  return { name, output: () => said, kill: () => end("SIGKILL"), stop: () => end("SIGTERM") };
}
