import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";

/** A link that npm could not pack. */
export interface Link {
  /** Absolute. */
  readonly path: string;
  /** Relative to the link. */
  readonly target: string;
}

/** The links between shared libraries that are not there: npm packs none, and scripts that make them may be off. */
export function missingLinks(native: string): readonly Link[] {
  const list = join(native, "pg-symlinks.json");
  if (!existsSync(list)) return [];
  const links = JSON.parse(readFileSync(list, "utf8")) as { readonly source: string; readonly target: string }[];
  return links
    .map(({ source, target }) => ({ path: join(native, target.replace(/^native\//, "")), target: basename(source) }))
    .filter(({ path }) => !existsSync(path));
}

/** Makes links; false when the package is read-only. */
export function writeLinks(links: readonly Link[]): boolean {
  for (const { path, target } of links) {
    try {
      symlinkSync(target, path);
    } catch {
      if (!existsSync(path)) return false;
    }
  }
  return true;
}
