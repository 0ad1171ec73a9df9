import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Ids } from "../core/ports.ts";
import type { ConfigVersion } from "./config-source.ts";

/** A version as a server and files keep it. */
export const storedVersion = z.object({
  version: z.int().positive(),
  text: z.string(),
  at: z.number(),
  by: z.string(),
  note: z.string(),
});

/** How many good versions are remembered: processes of one folder may not agree on what is good. */
const remembered = 5;

/** Good versions of rules in a folder: `<app>/<version>.json`. A file that makes no sense is passed over. */
export function keptVersions(folder: string, ids: Ids) {
  const fileOf = (app: string, version: number) => join(folder, app, `${version}.json`);
  const numbers = async (app: string) => {
    const names = await readdir(join(folder, app)).catch(() => []);
    return names.flatMap((name) => /^(\d+)\.json$/.exec(name)?.[1] ?? []).map(Number);
  };

  async function read(file: string): Promise<ConfigVersion[]> {
    try {
      return [storedVersion.parse(JSON.parse(await readFile(file, "utf8")))];
    } catch {
      return [];
    }
  }

  return {
    async keep(app: string, version: ConfigVersion): Promise<void> {
      await mkdir(join(folder, app), { recursive: true });
      const draft = `${fileOf(app, version.version)}.${ids.hex(6)}`;
      await writeFile(draft, `${JSON.stringify(version)}\n`);
      await rename(draft, fileOf(app, version.version));
      const old = (await numbers(app)).sort((a, b) => b - a).slice(remembered);
      await Promise.all(old.map((number) => rm(fileOf(app, number), { force: true })));
    },
    async all(app: string): Promise<readonly ConfigVersion[]> {
      const newestFirst = (await numbers(app)).sort((a, b) => b - a);
      return (await Promise.all(newestFirst.map((number) => read(fileOf(app, number))))).flat();
    },
  };
}
