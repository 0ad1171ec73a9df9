import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const run = promisify(execFile);
const requirements = join(import.meta.dirname, "requirements.txt");

/** A Python with grpcio, or why there is none. */
export type Found = { readonly python: string; readonly missing?: undefined } | { readonly missing: string };

/**
 * Installs what `requirements.txt` lists into an environment of its own, once per machine and list. Where there is no
 * Python to do it with, that is said; a failing installation counts as that too, except where CI is set: then it throws.
 */
export async function findPython(): Promise<Found> {
  const key = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const home = join(tmpdir(), `mortise-grpc-python-${key}`);
  const python = join(home, "bin/python");
  if (existsSync(python)) return { python };
  try {
    await run("python3", ["-c", "import venv, ensurepip"]);
  } catch {
    return { missing: "python3 with venv and pip is not installed" };
  }
  try {
    await install(home);
  } catch (error) {
    if (existsSync(python)) return { python }; // another process was faster
    const why = (error as Error).message.trim().split("\n").at(-1);
    if (process.env.CI) throw new Error(`grpcio cannot be installed: ${why}`);
    return { missing: `grpcio cannot be installed: ${why}` };
  }
  return { python };
}

/** An environment cannot be moved once scripts are in it, but `python -m` and imports do not mind. */
async function install(home: string): Promise<void> {
  const building = `${home}-${process.pid}`;
  try {
    await run("python3", ["-m", "venv", building]);
    await run(join(building, "bin/python"), ["-m", "pip", "install", "--quiet", "-r", requirements]);
    renameSync(building, home);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}

/** Runs a script to its end and gives what it printed, as JSON. */
export async function runScript(python: string, script: string, ...args: readonly string[]): Promise<unknown> {
  const { stdout } = await run(python, [join(import.meta.dirname, script), ...args], { timeout: 120_000 });
  return JSON.parse(stdout);
}

/** Starts a script that serves; gives the first line it prints. */
export async function startScript(
  python: string,
  script: string,
  ...args: readonly string[]
): Promise<{ readonly child: ChildProcess; readonly line: string }> {
  const child = spawn(python, [join(import.meta.dirname, script), ...args], { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: child.stdout })) return { child, line };
  throw new Error(`${script} ended without a word`);
}
