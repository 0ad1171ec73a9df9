import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { ContractError } from "../message.ts";
import type { Contract } from "./files.ts";
import { generatedMark, protoFiles } from "./print.ts";

/** Where a file on disk is not what its contract says. */
export interface ProtoDrift {
  /** Relative to the folder the files stand in, with forward slashes. */
  readonly path: string;
  /** The first line that differs, counted from 1. */
  readonly line: number;
  /** What the contract says and what the file says there; undefined beyond the end of one of them. */
  readonly expected: string | undefined;
  readonly actual: string | undefined;
}

/** Compares what should stand in a folder with what does. Files not written by Mortise are nobody's concern. */
export function protoDrift(expected: ReadonlyMap<string, string>, actual: ReadonlyMap<string, string>): ProtoDrift[] {
  const stale = [...actual].filter(([path, text]) => !expected.has(path) && text.startsWith(generatedMark));
  const paths = [...expected.keys(), ...stale.map(([path]) => path)].toSorted();
  return paths.flatMap((path) => firstDifference(path, expected.get(path), actual.get(path)) ?? []);
}

function firstDifference(
  path: string,
  expected: string | undefined,
  actual: string | undefined,
): ProtoDrift | undefined {
  if (expected === actual) return undefined;
  const wanted = expected?.split("\n") ?? [];
  const found = actual?.split("\n") ?? [];
  const length = Math.max(wanted.length, found.length);
  const line = Array.from({ length }, (_, i) => i).find((i) => wanted[i] !== found[i]) ?? 0;
  return { path, line: line + 1, expected: wanted[line], actual: found[line] };
}

/** Drift as the terminal shows it; `command` writes the files anew. */
export function describeDrift(drift: readonly ProtoDrift[], outDir: string, command = "mortise proto"): string {
  const lines = drift.map(({ path, line, expected, actual }) => {
    const place = `${join(outDir, path)}:${line}`;
    if (expected === undefined && line === 1) return `${place}  no contract declares this file any more`;
    if (actual === undefined && line === 1) return `${place}  is missing`;
    return `${place}  the contract says ${quoted(expected)}, the file ${quoted(actual)}`;
  });
  return drift.length === 0 ? "" : `${lines.join("\n")}\nRun \`${command}\` to write the files anew.`;
}

const quoted = (line: string | undefined): string => (line === undefined ? "nothing" : JSON.stringify(line));

/** What differs between these files and those in a folder. */
export async function checkProtoFiles(outDir: string, files: ReadonlyMap<string, string>): Promise<ProtoDrift[]> {
  return protoDrift(files, await readProtoFiles(outDir));
}

/** Writes what differs, removes what no contract declares any more, and says which files those were. */
export async function writeProtoFiles(outDir: string, files: ReadonlyMap<string, string>): Promise<ProtoDrift[]> {
  const drift = await checkProtoFiles(outDir, files);
  for (const { path } of drift) {
    const file = join(outDir, path);
    const text = files.get(path);
    if (text === undefined) await rm(file);
    else {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
  }
  return drift;
}

async function readProtoFiles(dir: string): Promise<Map<string, string>> {
  const paths = await filesUnder(dir, ".proto");
  return new Map(
    await Promise.all(
      paths.map(async (path) => [path.split(sep).join("/"), await readFile(join(dir, path), "utf8")] as const),
    ),
  );
}

async function filesUnder(dir: string, ending: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return entries.filter((path) => path.endsWith(ending) && !path.split(sep).includes("node_modules")).toSorted();
}

/** The contract modules in a folder: its `.ts` files but for tests, declarations and the folder `gen`. */
export async function contractModules(dir: string): Promise<string[]> {
  const paths = await filesUnder(dir, ".ts");
  return paths
    .filter((path) => !/\.(test|d|aot)\.ts$/.test(path) && path.split(sep)[0] !== "gen")
    .map((path) => join(dir, path));
}

/** Loads modules and gives every message, enumeration, service and topic they export. */
export async function contractsIn(modules: readonly string[]): Promise<Contract[]> {
  const loaded = await Promise.all(modules.map(load));
  return [...new Set(loaded.flatMap((module) => Object.values(module).filter(isContract)))];
}

async function load(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(pathToFileURL(resolve(path)).href);
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new ContractError(`${path}: ${text}`, { cause });
  }
}

function isContract(value: unknown): value is Contract {
  const kind = (value as { readonly kind?: unknown } | null | undefined)?.kind;
  return kind === "message" || kind === "enum" || kind === "service" || kind === "topic";
}

/** Where contracts come from and where their `.proto` files stand. */
export interface ProtoJob {
  /** Contract modules; without them, those in `outDir`. */
  readonly modules?: readonly string[];
  readonly outDir: string;
}

async function filesOf({ modules, outDir }: ProtoJob): Promise<Map<string, string>> {
  return protoFiles(await contractsIn(modules ?? (await contractModules(outDir))));
}

/** Writes the `.proto` files of contract modules and says which changed. */
export const writeProto = async (job: ProtoJob): Promise<ProtoDrift[]> =>
  writeProtoFiles(job.outDir, await filesOf(job));

/** What a run of {@link writeProto} would change; nothing when all is as the contracts say. */
export const checkProto = async (job: ProtoJob): Promise<ProtoDrift[]> =>
  checkProtoFiles(job.outDir, await filesOf(job));
