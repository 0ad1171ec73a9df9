import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { styleText } from "node:util";

export const root = join(import.meta.dirname, "..");

/** How one command ended. */
export interface Ran {
  readonly code: number;
  readonly output: string;
  readonly seconds: number;
}

export interface RunOptions {
  /** Show the output while it comes instead of keeping it. */
  readonly live?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command of this repository: `node_modules/.bin` comes first, sources are read directly. */
export function run(
  command: string,
  args: readonly string[],
  { live = false, env = {} }: RunOptions = {},
): Promise<Ran> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: live ? "inherit" : ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        PATH: join(root, "node_modules/.bin") + delimiter + process.env.PATH,
        NODE_OPTIONS: `--conditions=source ${process.env.NODE_OPTIONS ?? ""}`.trim(),
        NODE_COMPILE_CACHE: join(root, "node_modules/.cache/node"),
        ...env,
      },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (output += chunk));
    child.on("error", reject);
    child.on("close", (code, signal) =>
      resolve({ code: code ?? (signal ? 1 : 0), output, seconds: (performance.now() - started) / 1000 }),
    );
  });
}

/** Prints one finished step and, if it failed, what it said. Returns whether it passed. */
export function report(name: string, { code, output, seconds }: Ran): boolean {
  const mark = code === 0 ? styleText("green", "✔") : styleText("red", "✖");
  console.log(`${mark} ${name} ${styleText("dim", `${seconds.toFixed(1)} s`)}`);
  if (code !== 0) console.log(output.trimEnd());
  return code === 0;
}
