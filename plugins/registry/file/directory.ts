import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { kill, platform } from "node:process";
import type { Clock, Instance, Log } from "@mortise/kernel";
import { isRunning } from "@mortise/kernel/processes/identity";
import { type InstanceFile, readInstanceFile } from "./format.ts";

/** Reads the files of all owners. */
export interface Directory {
  /** The instances of all owners that are alive, the most recently registered last. */
  read(): Promise<readonly Instance[]>;
}

/** A file as it was read last. */
interface Known {
  readonly inode: number;
  readonly size: number;
  readonly modifiedMs: number;
  /** Nothing if it makes no sense. */
  readonly content: InstanceFile | undefined;
}

/** Files of a dead owner on another machine stay for this many leases, in case it was only asleep. */
const leasesUntilRemoval = 10;

/** @param host this machine, as owners name it */
export function directory(dir: string, host: string, leaseMs: number, clock: Clock, log: Log): Directory {
  let known = new Map<string, Known>();
  const seenRunning = new Set<string>();

  /** Asking for the start of a process is cheap on Linux only; elsewhere it is done once, then its number must do. */
  function runs(process: string): boolean {
    if (platform === "linux") return isRunning(process);
    const running = seenRunning.has(process) ? hasSignals(process) : isRunning(process);
    if (running) seenRunning.add(process);
    else seenRunning.delete(process);
    return running;
  }

  async function look(name: string): Promise<Known | undefined> {
    const path = join(dir, name);
    const found = await stat(path).catch(missing);
    if (!found) return undefined;
    const { ino: inode, size, mtimeMs: modifiedMs } = found;
    const before = known.get(name);
    if (before && before.inode === inode && before.size === size && before.modifiedMs === modifiedMs) return before;
    const text = await readFile(path, "utf8").catch(missing);
    if (text === undefined) return undefined;
    return { inode, size, modifiedMs, content: understand(path, text) };
  }

  function understand(path: string, text: string): InstanceFile | undefined {
    try {
      return readInstanceFile(text);
    } catch (error) {
      log.warn(`registry/file ignores ${path}: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** Whether the owner still stands behind its file; removes the file if it never will again. */
  async function alive(name: string, { content, modifiedMs }: Known): Promise<boolean> {
    if (!content) return false;
    if (!content.owner) return true;
    const age = clock.wall() - modifiedMs;
    const dead = content.owner.host === host ? !runs(content.owner.process) : age > leasesUntilRemoval * leaseMs;
    if (dead) await rm(join(dir, name), { force: true }).catch(() => undefined);
    return !dead && age <= leaseMs;
  }

  return {
    async read() {
      const names = (await readdir(dir).catch(missing)) ?? [];
      const next = new Map<string, Known>();
      const live: Known[] = [];
      for (const name of names) {
        const file = name.endsWith(".json") ? await look(name) : undefined;
        if (!file) continue;
        next.set(name, file);
        if (await alive(name, file)) live.push(file);
      }
      known = next;
      return live.sort((a, b) => a.modifiedMs - b.modifiedMs).flatMap(({ content }) => content?.instances ?? []);
    },
  };
}

/** Whether the number of the process is in use. */
function hasSignals(identity: string): boolean {
  try {
    return kill(Number.parseInt(identity, 10), 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Nothing for a file that is not there or went away while it was looked at. */
function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
