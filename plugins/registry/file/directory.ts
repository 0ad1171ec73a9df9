import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { kill, platform } from "node:process";
import type { Clock, Instance, Log } from "@mortise/kernel";
import { isRunning } from "@mortise/kernel/processes/identity";
import { type InstanceFile, readInstanceFile } from "./format.ts";

/** Reads the files of all owners. */
export interface Directory {
  /** Looks which files have changed, and gives the names of the services they are about. */
  look(): Promise<ReadonlySet<string>>;
  /** The instances of a service of all owners that are alive, the most recently registered last. */
  instances(service: string): readonly Instance[];
}

/** A file as it was read last. */
interface Known {
  readonly inode: number;
  readonly size: number;
  readonly modifiedMs: number;
  /** Nothing if it makes no sense. */
  readonly content: InstanceFile | undefined;
  readonly byService: ReadonlyMap<string, readonly Instance[]>;
}

/** Files of a dead owner on another machine stay for this many leases, in case it was only asleep. */
const leasesUntilRemoval = 10;

/** @param host this machine, as owners name it */
export function directory(dir: string, host: string, leaseMs: number, clock: Clock, log: Log): Directory {
  let known = new Map<string, Known>();
  let live = new Map<string, Known>();
  const seenRunning = new Set<string>();

  /** Asking for the start of a process is cheap on Linux only; elsewhere it is done once, then its number must do. */
  function runs(process: string): boolean {
    if (platform === "linux") return isRunning(process);
    const running = seenRunning.has(process) ? hasSignals(process) : isRunning(process);
    if (running) seenRunning.add(process);
    else seenRunning.delete(process);
    return running;
  }

  async function lookAt(name: string): Promise<Known | undefined> {
    const path = join(dir, name);
    const found = await stat(path).catch(missing);
    if (!found) return undefined;
    const { ino: inode, size, mtimeMs: modifiedMs } = found;
    const before = known.get(name);
    if (before && before.inode === inode && before.size === size) {
      if (before.modifiedMs === modifiedMs) return before;
      if (before.content?.owner) return { ...before, modifiedMs }; // an owner renews its file, and replaces it to change it
    }
    const text = await readFile(path, "utf8").catch(missing);
    if (text === undefined) return undefined;
    const content = understand(path, text);
    return { inode, size, modifiedMs, content, byService: grouped(content?.instances ?? []) };
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
    async look() {
      const names = (await readdir(dir).catch(missing)) ?? [];
      const next = new Map<string, Known>();
      const standing = new Map<string, Known>();
      for (const name of names) {
        const file = name.endsWith(".json") ? await lookAt(name) : undefined;
        if (!file) continue;
        next.set(name, file);
        if (await alive(name, file)) standing.set(name, file);
      }
      const changed = changedServices(live, standing);
      known = next;
      live = standing;
      return changed;
    },
    instances: (service) =>
      [...live.values()]
        .filter(({ byService }) => byService.has(service))
        .sort((a, b) => a.modifiedMs - b.modifiedMs)
        .flatMap(({ byService }) => byService.get(service) ?? []),
  };
}

function grouped(instances: readonly Instance[]): ReadonlyMap<string, readonly Instance[]> {
  const byService = new Map<string, Instance[]>();
  for (const instance of instances) {
    const peers = byService.get(instance.service);
    if (peers) peers.push(instance);
    else byService.set(instance.service, [instance]);
  }
  return byService;
}

/** The services of files that came, went or say something else. */
function changedServices(before: ReadonlyMap<string, Known>, now: ReadonlyMap<string, Known>): ReadonlySet<string> {
  const changed = new Set<string>();
  const add = (file: Known | undefined) => {
    for (const service of file?.byService.keys() ?? []) changed.add(service);
  };
  for (const name of new Set([...before.keys(), ...now.keys()])) {
    if (before.get(name)?.byService === now.get(name)?.byService) continue;
    add(before.get(name));
    add(now.get(name));
  }
  return changed;
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
