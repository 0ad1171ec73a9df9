import { type ChildProcessWithoutNullStreams, execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Where the compiled classes and the libraries are, or why there are none. */
export type Built = { readonly home: string; readonly missing?: undefined } | { readonly missing: string };

export interface BuildOptions {
  /** Properties of the Maven project. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Files that the project expects in its target folder, by path. */
  readonly files?: ReadonlyMap<string, string>;
  /** Other folders whose sources it compiles. */
  readonly sources?: readonly string[];
}

/**
 * Compiles the Maven project of `folder` into a place of its own below the system's temporary folder, once per machine,
 * sources and options. Only where MORTISE_INTEROP names `java`, for it takes libraries from Maven Central and minutes
 * of a machine. Where there is no Java or Maven to do it with, that is said; a build that fails throws.
 */
export async function buildJava(
  folder: string,
  { properties = {}, files = new Map(), sources = [] }: BuildOptions = {},
): Promise<Built> {
  if (!process.env.MORTISE_INTEROP?.split(",").includes("java"))
    return { missing: "set MORTISE_INTEROP=java to test against peers in Java; it needs a JDK and Maven" };
  const flags = Object.entries(properties).map(([name, value]) => `-D${name}=${value}`);
  const home = join(tmpdir(), `mortise-java-${keyOf([folder, ...sources], [...flags, ...[...files].flat()])}`);
  if (existsSync(home)) return { home };
  for (const tool of ["javac", "mvn"]) {
    if (!(await runs(tool))) return { missing: `${tool} is not installed` };
  }
  const building = `${home}-${process.pid}`;
  try {
    for (const [path, text] of files) writeInto(join(building, path), text);
    await compile(folder, [...flags, `-Dinterop.target=${building}`]);
    renameSync(building, home);
    return { home };
  } catch (error) {
    if (existsSync(home)) return { home }; // another process was faster
    const why = firstError(error as { readonly stdout?: string; readonly message: string });
    throw new Error(`the Java peers cannot be built: ${why}`);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}

function writeInto(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** From what is already on this machine if that will do, so that no build waits for the network. */
async function compile(folder: string, flags: readonly string[]): Promise<void> {
  const goal = ["-q", "-B", "-Dstyle.color=never", ...flags, "prepare-package"];
  const options = { cwd: folder, timeout: 600_000 };
  await run("mvn", ["-o", ...goal], options).catch(() => run("mvn", goal, options));
}

async function runs(tool: string): Promise<boolean> {
  return run(tool, ["-version"]).then(
    () => true,
    () => false,
  );
}

function firstError({ stdout, message }: { readonly stdout?: string; readonly message: string }): string {
  return stdout?.split("\n").find((line) => line.includes("ERROR")) ?? message.trim();
}

function keyOf(folders: readonly string[], options: readonly string[]): string {
  const hash = createHash("sha256").update(JSON.stringify(options));
  for (const file of folders.flatMap(inputsOf)) hash.update(readFileSync(file));
  return hash.digest("hex").slice(0, 12);
}

function inputsOf(folder: string): readonly string[] {
  const sources = readdirSync(join(folder, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return [join(folder, "pom.xml"), ...sources.sort()];
}

/** A running Java program that answers every line of its input with a line of JSON. */
export interface Java {
  /** What it answers to a command. Commands are answered one after the other. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever the program prints
  ask(command: string): Promise<any>;
  /** Ends it as its user would; gives when it has ended. */
  stop(): Promise<void>;
  kill(): void;
}

/** Starts a main class and waits until it says that it is ready. What it writes to its error output is shown when it fails. */
export async function startJava(home: string, main: string, ...args: readonly string[]): Promise<Java> {
  const classPath = `${join(home, "classes")}:${join(home, "lib")}/*`;
  const child = spawn("java", [...flags, "-cp", classPath, main, ...args]);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const lines = linesOf(child);
  const ready = await lines();
  if (ready !== "ready") throw new Error(`${main} says "${ready}"`);
  return {
    async ask(command) {
      child.stdin.write(`${command}\n`);
      return JSON.parse(await lines());
    },
    stop() {
      child.stdin.end();
      return ended;
    },
    kill: () => void child.kill("SIGKILL"),
  };
}

/** Small and quick to start; the libraries of old look into what Java 17 has closed. */
const flags = ["-Xmx512m", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "--add-opens=java.base/java.lang=ALL-UNNAMED"];

/** The next line, each time it is called. */
function linesOf(child: ChildProcessWithoutNullStreams): () => Promise<string> {
  const errors: Buffer[] = [];
  child.stderr.on("data", (bytes) => errors.push(bytes));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async () => {
    const { value, done } = await lines.next();
    if (!done) return value;
    throw new Error(`Java has ended: ${Buffer.concat(errors).toString().slice(-2000)}`);
  };
}
