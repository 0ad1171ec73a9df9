import { type FSWatcher, watch } from "node:fs";
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Ids } from "@mortise/kernel";
import type { VersionServer } from "@mortise/kernel/spi/versioned-config";

/** Keeps versions in a folder: `<app>/versions/<number>.json`, and reports beside them in `<app>/processes/`. */
export function folder(given: string, ids: Ids): VersionServer {
  const root = resolve(given);
  const versions = (app: string) => join(root, app, "versions");
  const versionFile = (app: string, version: number) => join(versions(app), `${version}.json`);
  const processes = (app: string) => join(root, app, "processes");
  const processFile = (app: string, name: string) => join(processes(app), `${encodeURIComponent(name)}.json`);

  /** Writes beside the place, so that nobody reads half a file, and gives the path to `finish`. */
  async function drafted<T>(path: string, text: string, finish: (draft: string) => Promise<T>): Promise<T> {
    await mkdir(dirname(path), { recursive: true });
    const draft = `${path}.${ids.hex(6)}.new`;
    await writeFile(draft, text);
    try {
      return await finish(draft);
    } finally {
      await rm(draft, { force: true });
    }
  }

  return {
    async numbers(app) {
      const names = (await readdir(versions(app)).catch(missing)) ?? [];
      return names.flatMap((name) => /^(\d+)\.json$/.exec(name)?.[1] ?? []).map(Number);
    },
    read: (app, version) => readFile(versionFile(app, version), "utf8").catch(missing),
    create: (app, version, text) =>
      drafted(versionFile(app, version), text, (draft) =>
        link(draft, versionFile(app, version)).then(
          () => true,
          (error: NodeJS.ErrnoException) => {
            if (error.code === "EEXIST") return false;
            throw error;
          },
        ),
      ),
    remove: (app, version) => rm(versionFile(app, version), { force: true }),
    listen(app, changed) {
      let watcher: FSWatcher | undefined;
      let closed = false;
      const begin = async () => {
        await mkdir(versions(app), { recursive: true });
        if (closed) return;
        watcher = watch(versions(app), { persistent: false }, changed);
        watcher.on("error", () => watcher?.close()); // the look by the clock goes on
        changed();
      };
      void begin().catch(() => undefined);
      return () => {
        closed = true;
        watcher?.close();
      };
    },
    putReport: (app, name, text) =>
      drafted(processFile(app, name), text, (draft) => rename(draft, processFile(app, name))),
    dropReport: (app, name) => rm(processFile(app, name), { force: true }),
    async reports(app) {
      const names = ((await readdir(processes(app)).catch(missing)) ?? []).filter((name) => name.endsWith(".json"));
      const texts = await Promise.all(names.map((name) => readFile(join(processes(app), name), "utf8").catch(missing)));
      return texts.filter((text) => text !== undefined);
    },
    close: () => undefined,
  };
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
