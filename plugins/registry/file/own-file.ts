import { mkdir, rename, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Instance } from "@mortise/kernel";
import { type Owner, writeInstanceFile } from "./format.ts";

/** The file in which one owner tells others what it offers. */
export interface OwnFile {
  /** Resolves when others can read these instances, or what was given after them; without any the file goes away. */
  write(instances: readonly Instance[]): Promise<void>;
  /** Renews the lease, and writes the file again if somebody removed it. */
  renew(): Promise<void>;
}

/** @param name name of the file without its ending; unique among all owners */
export function ownFile(dir: string, name: string, owner: Owner, clock: Clock): OwnFile {
  const path = join(dir, `${name}.json`);
  const draft = join(dir, `${name}.tmp`);
  let written: readonly Instance[] = [];
  let last: Promise<void> = Promise.resolve();
  let wanted: readonly Instance[] = [];
  let waiting: Promise<void> | undefined;

  /** One after another, also after one that failed. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    last = last.then(work, work);
    return last;
  }

  async function replace(instances: readonly Instance[]): Promise<void> {
    written = instances;
    if (instances.length === 0) return rm(path, { force: true });
    await mkdir(dir, { recursive: true });
    await writeFile(draft, writeInstanceFile({ owner, instances }));
    await touch(draft);
    await rename(draft, path);
  }

  async function touch(file: string): Promise<void> {
    const seconds = clock.wall() / 1000;
    await utimes(file, seconds, seconds);
  }

  return {
    write(instances) {
      wanted = instances;
      waiting ??= inTurn(() => {
        waiting = undefined;
        return replace(wanted);
      });
      return waiting;
    },
    renew: () =>
      inTurn(async () => {
        if (written.length === 0) return;
        await touch(path).catch(() => replace(written));
      }),
  };
}
