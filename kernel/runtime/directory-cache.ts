import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Log } from "../core/plugin.ts";
import type { Ports, Timer } from "../core/ports.ts";
import type { Snapshot } from "../spi/registry.ts";

/** Remembers on disk where services run, for a start while the registry is down. */
export interface DirectoryCache {
  /** What was known; nothing if nothing was. Rejects when the file cannot be read. */
  load(service: string): Promise<Snapshot>;
  /** Writes soon, and only the last of several in a row. A failure is logged. */
  save(service: string, snapshot: Snapshot): void;
  /** Writes what is not written yet. */
  close(): Promise<void>;
}

/** How long changes are gathered before they are written, in milliseconds (Dubbo's default). */
const gatherMs = 500;

const instances = z.array(
  z.object({
    id: z.string(),
    service: z.string(),
    address: z.string(),
    protocol: z.string(),
    serializers: z.array(z.string()),
    weight: z.number(),
    zone: z.string(),
    version: z.string(),
    tags: z.record(z.string(), z.string()),
    startedAt: z.number(),
  }),
);

/** Keeps one file per service in a folder, which is made when something is written. Processes may share the folder. */
export function folderCache(folder: string, ports: Ports, log: Log): DirectoryCache {
  const waiting = new Map<string, { readonly timer: Timer; readonly snapshot: Snapshot }>();
  const writing = new Set<Promise<void>>();

  function write(service: string): void {
    const entry = waiting.get(service);
    if (!entry) return;
    waiting.delete(service);
    entry.timer.cancel();
    const work = replaceFile(fileOf(folder, service), JSON.stringify(entry.snapshot, undefined, 2), ports)
      .catch((error: unknown) =>
        log.warn("where services run cannot be written down", { folder, error: String(error) }),
      )
      .finally(() => writing.delete(work));
    writing.add(work);
  }

  return {
    async load(service) {
      const text = await readFile(fileOf(folder, service), "utf8").catch(nothingThere);
      return text === undefined ? [] : instances.parse(JSON.parse(text));
    },
    save(service, snapshot) {
      const timer = waiting.get(service)?.timer ?? ports.timers.after(gatherMs, () => write(service));
      waiting.set(service, { timer, snapshot });
    },
    async close() {
      for (const service of [...waiting.keys()]) write(service);
      await Promise.all(writing);
    },
  };
}

function fileOf(folder: string, service: string): string {
  return join(folder, `${encodeURIComponent(service)}.json`);
}

function nothingThere(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

/** Nobody ever reads half a file. */
async function replaceFile(path: string, text: string, { ids }: Ports): Promise<void> {
  await mkdir(join(path, ".."), { recursive: true });
  const draft = `${path}.${ids.hex(6)}`;
  await writeFile(draft, `${text}\n`);
  await rename(draft, path);
}
