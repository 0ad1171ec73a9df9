import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { Ports } from "../../core/ports.ts";
import { isRunning, processIdentity } from "../../processes/identity.ts";

/** A PostgreSQL server that runs on a data directory. */
export interface Postmaster {
  readonly pid: number;
  /** Names the process beyond the reuse of its number. */
  readonly identity: string;
  /** The app that started it, as a process identity; nothing if it was not one of ours. */
  readonly app: string | undefined;
}

/** The setting by which a server names the app that started it. It survives whatever happens to files. */
export const appSetting = "mortise.app";

/** The server on `data`, seen in its lock file and verified by its process: numbers of processes are used again. */
export function runningPostmaster(data: string): Postmaster | undefined {
  const pid = lockedBy(data);
  const identity = pid && processIdentity(pid);
  if (!pid || !identity) return undefined;
  const command = commandOf(pid);
  if (!worksOn(pid, command, data)) return undefined;
  return { pid, identity, app: appIn(command) };
}

/** How to end a server nobody else ends, gentlest first, with the seconds each may take (PostgreSQL, "Shutting Down the Server"). */
const ending = [
  ["SIGINT", 20],
  ["SIGQUIT", 5],
  ["SIGKILL", 5],
] as const;

/** Ends a server that lost its app, and resolves when it is gone. */
export async function stopPostmaster({ pid, identity }: Postmaster, { clock, timers }: Ports): Promise<void> {
  for (const [signal, seconds] of ending) {
    if (!isRunning(identity)) return;
    process.kill(pid, signal);
    for (const until = clock.now() + seconds * 1000; isRunning(identity) && clock.now() < until; )
      await timers.sleep(10);
  }
}

/** The app named in the arguments of a server. */
export function appIn(command: readonly string[]): string | undefined {
  const prefix = `${appSetting}=`;
  return command.find((argument) => argument.startsWith(prefix))?.slice(prefix.length);
}

/** The first line of postmaster.pid; negative for a backend of single-user mode. */
function lockedBy(data: string): number | undefined {
  const file = join(data, "postmaster.pid");
  if (!existsSync(file)) return undefined;
  const pid = Number.parseInt(readFileSync(file, "utf8"), 10);
  return Number.isInteger(pid) ? Math.abs(pid) : undefined;
}

/** Linux tells where a process works, and a server works in its data directory; elsewhere its arguments must do. */
function worksOn(pid: number, command: readonly string[], data: string): boolean {
  if (!/(^|\/)postgres$/.test(command[0] ?? "")) return false;
  if (process.platform !== "linux") return command.join(" ").includes(data);
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(data);
  } catch {
    return false;
  }
}

function commandOf(pid: number): readonly string[] {
  try {
    if (process.platform === "linux") return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return execFileSync("ps", ["-ww", "-o", "command=", "-p", String(pid)], { encoding: "utf8" })
      .trim()
      .split(" ");
  } catch {
    return [];
  }
}
