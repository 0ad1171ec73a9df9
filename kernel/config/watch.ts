import { type FSWatcher, watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Ports } from "../core/ports.ts";
import type { ReadFile } from "./load-config.ts";

export interface WatchOptions {
  /** As they were when they were read. A file that is not there is waited for. */
  readonly files: readonly ReadFile[];
  readonly ports: Ports;
  /** Called after the content of a file has changed; the next call waits until what it returns has settled. */
  readonly changed: () => void | Promise<void>;
  /** Called when watching itself fails. */
  readonly failed: (error: unknown) => void;
  /** Quiet time before a change counts, so that a file is not read half written. Default 50. */
  readonly settleMs?: number;
}

export interface Watching {
  /** Watches no more; resolves when the last `changed` has settled. */
  close(): Promise<void>;
}

/** An empty file is most likely being written: it is looked at so many times before it is believed. */
const emptyChecks = 10;

/**
 * Watches files by watching their directories, so that editors which write a new file and rename it, and links that are
 * switched to another file, are seen as well. Only a changed content counts.
 */
export function watchFiles({ files, ports, changed, failed, settleMs = 50 }: WatchOptions): Watching {
  let known = files.map(({ text }) => text ?? null);
  let timer: { cancel(): void } | undefined;
  let working = Promise.resolve();
  let closed = false;
  let patience = emptyChecks;

  const check = async () => {
    const now = await contents(files);
    if (closed || isDeepStrictEqual(now, known)) return;
    if (now.includes("") && patience > 0) {
      patience -= 1;
      return touched();
    }
    patience = emptyChecks;
    known = now;
    await changed();
  };
  const touched = () => {
    timer?.cancel();
    timer = ports.timers.after(settleMs, () => {
      working = working.then(check).catch(failed);
    });
  };
  const watchers = [...new Set(files.map(({ path }) => dirname(path)))].map((directory) =>
    watching(directory, touched, failed),
  );
  touched(); // for what has changed since they were read
  return {
    close: async () => {
      closed = true;
      timer?.cancel();
      for (const watcher of watchers) watcher.close();
      await working;
    },
  };
}

function watching(directory: string, touched: () => void, failed: (error: unknown) => void): FSWatcher {
  const watcher = watch(directory, { persistent: false }, touched);
  watcher.on("error", failed);
  return watcher;
}

/** A missing file differs from an empty one. */
async function contents(files: readonly ReadFile[]): Promise<(string | null)[]> {
  return Promise.all(files.map(({ path }) => readFile(path, "utf8").catch(() => null)));
}
