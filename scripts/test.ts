// Runs the tests: `npm test` for all, `npm test -- <paths or globs>` for some.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { styleText } from "node:util";
import { root, run } from "./run.ts";

const all = ["kernel", "plugins", "telemetry", "proto", "apps", "scripts", "interop"].map(
  (top) => `${top}/**/*.test.ts`,
);

/** More files than this do not fail by chance. */
const maxByChance = 3;

/** Runs them all. Gives the files in which something failed, relative to the root, or nothing if all is well. */
async function failuresOf(files: readonly string[], concurrency: number): Promise<readonly string[] | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "mortise-tests-"));
  const list = join(folder, "failed");
  const reporters = [
    ["spec", "stdout"],
    [join(root, "scripts/failed-files.reporter.ts"), list],
  ].flatMap(([reporter, to]) => [`--test-reporter=${reporter}`, `--test-reporter-destination=${to}`]);
  try {
    const flags = [`--import=${join(root, "scripts/hang.ts")}`, "--test", ...reporters, "--test-timeout=300000"];
    const { code } = await run("node", [...flags, `--test-concurrency=${concurrency}`, ...files], { live: true });
    if (code === 0) return undefined;
    const failed = (await readFile(list, "utf8").catch(() => "")).split("\n").filter(Boolean);
    return [...new Set(failed.map((file) => relative(root, file)))];
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A whole run is busy enough that a test may fail by chance. Such a file is run again, once and alone, and is named. */
async function passesAlone(failed: readonly string[]): Promise<boolean> {
  if (failed.length === 0 || failed.length > maxByChance) return false;
  const names = failed.join(", ");
  console.log(styleText("yellow", `\nFailed, and run again alone: ${names}\n`));
  if (await failuresOf(failed, 1)) return false;
  console.log(styleText("yellow", `\nFLAKY: failed above, passed alone. The cause has to be found: ${names}`));
  return true;
}

const chosen = process.argv.slice(2);
const failed = await failuresOf(chosen.length > 0 ? chosen : all, 2);
process.exitCode = !failed || (chosen.length === 0 && (await passesAlone(failed))) ? 0 : 1;
