import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import type { Problem } from "../core/config.ts";
import { reasonOf } from "../core/errors.ts";
import { suggestion } from "../core/nearest.ts";
import type { Environment } from "./fill.ts";
import { type ReadConfig, readConfig } from "./read-config.ts";
import type { SourceFile } from "./yaml-tree.ts";

/** What is laid over an app file. */
export interface LoadOptions {
  /** Lays `<base>.<profile>.yaml` beside the app file over it. */
  readonly profile?: string;
  /** Central rules, laid over the files: policies and transactions. */
  readonly central?: SourceFile;
  /** `path=value`, laid over all that in order. */
  readonly set?: readonly string[];
  readonly env?: Environment;
}

/** A file as it was when it was read. */
export interface ReadFile {
  /** Absolute. */
  readonly path: string;
  /** Nothing if it could not be read. */
  readonly text: string | undefined;
}

export interface LoadedConfig extends ReadConfig {
  /** Where the app file is; what it names is found from here. Absolute. */
  readonly directory: string;
  /** Every file it was read from, or should have been. */
  readonly files: readonly ReadFile[];
}

/** Reads an app file and what is laid over it. A missing file is a problem like any other; nothing is thrown. */
export async function loadConfig(path: string, { profile, ...rest }: LoadOptions = {}): Promise<LoadedConfig> {
  const problems: Problem[] = [];
  const base = await readSource(path, problems, () => missingFile(path));
  const overlay = profile === undefined ? undefined : profilePath(path, profile);
  const over =
    overlay === undefined ? undefined : await readSource(overlay, problems, () => missingProfile(path, profile ?? ""));
  const read = base ? readConfig({ sources: over ? [base, over] : [base], ...rest }) : unread(path);
  return {
    ...read,
    problems: [...problems, ...(await hintAtProfile(path, read.problems))],
    directory: dirname(resolve(path)),
    files: [
      { path: resolve(path), text: base?.text },
      ...(overlay === undefined ? [] : [{ path: resolve(overlay), text: over?.text }]),
    ],
  };
}

/** Somebody who names the file of a profile alone is told how profiles are used. */
async function hintAtProfile(path: string, problems: readonly Problem[]): Promise<readonly Problem[]> {
  const [, base, profile, extension] = /^(.+)\.([^.]+)(\.ya?ml)$/.exec(basename(path)) ?? [];
  const isProfile = base !== undefined && (await namesIn(dirname(path))).includes(`${base}${extension}`);
  if (!isProfile || !problems.some(({ code }) => code === "CONFIG_MISSING")) return problems;
  const app = join(dirname(path), `${base}${extension}`);
  const message = `this is a profile of ${app}, no app file; name them as ${app} --profile ${profile}`;
  return [{ code: "CONFIG_FILE", message, path: [], location: { file: path, line: 0, column: 0 } }];
}

function profilePath(path: string, profile: string): string {
  const extension = extname(path);
  return `${path.slice(0, path.length - extension.length)}.${profile}${extension}`;
}

async function readSource(
  file: string,
  problems: Problem[],
  explain: () => Promise<string>,
): Promise<SourceFile | undefined> {
  try {
    return { file, text: await readFile(file, "utf8") };
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const message = missing ? await explain() : await unreadable(file, error);
    problems.push({ code: "CONFIG_FILE", message, path: [], location: { file, line: 0, column: 0 } });
    return undefined;
  }
}

async function missingFile(path: string): Promise<string> {
  const others = (await namesIn(dirname(path))).filter((name) => isYaml(name));
  return `there is no such file.${suggestion(basename(path), others)}`;
}

async function missingProfile(path: string, profile: string): Promise<string> {
  const extension = extname(path);
  const base = `${basename(path, extension)}.`;
  const profiles = (await namesIn(dirname(path)))
    .filter((name) => name.startsWith(base) && name.endsWith(extension) && name.length > base.length + extension.length)
    .map((name) => name.slice(base.length, -extension.length));
  return `there is no such file, so no profile "${profile}".${suggestion(profile, profiles)}`;
}

async function unreadable(file: string, error: unknown): Promise<string> {
  const inside = (await namesIn(file)).filter((name) => isYaml(name));
  if ((error as NodeJS.ErrnoException).code !== "EISDIR") return `the file cannot be read: ${reasonOf(error)}`;
  return `this is a directory; name a file in it.${suggestion("", inside)}`;
}

function isYaml(name: string): boolean {
  return /\.ya?ml$/.test(name);
}

/** The names in a directory; none if there is no such directory. */
export async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch(() => []);
}

function unread(file: string): ReadConfig {
  return { ...readConfig({ sources: [{ file, text: "" }] }), problems: [] };
}
