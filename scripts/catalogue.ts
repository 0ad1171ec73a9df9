// Lists our own plugins in the manifests they are found by, and describes their options in docs/schema.json for editors:
// `npm run catalogue`, or with --check whether all of that is current.
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { installedPlugins } from "../kernel/config/installed.ts";
import { configSchema } from "../kernel/config/json-schema.ts";
import { loadAll } from "../kernel/core/load.ts";
import { withTable } from "./readme-table.ts";
import { root } from "./run.ts";

/** A package with plugins: where they are, and which SPI they belong to if that is not a folder. */
const packages = [
  { folder: "plugins", pattern: /^(?<spi>[^/]+)\/(?<name>[^/]+)\/\k<name>\.ts$/ },
  { folder: "telemetry", pattern: /^(?<name>[^/]+)\/\k<name>\.ts$/ },
] as const;

/** The plugins of a package by id, each with the sub-path its module is exported under. */
export function pluginsIn(files: readonly string[], pattern: RegExp, folder: string): Record<string, string> {
  const entries = files.flatMap((file) => {
    const { spi = folder, name } = pattern.exec(file)?.groups ?? {};
    return name === undefined ? [] : [[`${spi}/${name}`, `./${file.replace(/\.ts$/, "")}`] as const];
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A manifest as it should be. */
function manifest(folder: string, pattern: RegExp): string {
  const files = globSync("**/*.ts", { cwd: join(root, folder), exclude: ["node_modules", "dist"] });
  const now = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as Record<string, unknown>;
  return json({ ...now, mortise: { plugins: pluginsIn(files, pattern, folder) } });
}

/** The schema of app files with all our plugins, as the manifests list them now. */
async function schema(): Promise<string> {
  const { loaded } = await loadAll((await installedPlugins(root)).catalogue);
  const broken = [...loaded.values()].flatMap((state) => ("failure" in state ? [state.failure.message] : []));
  if (broken.length > 0) throw new Error(broken.join("\n"));
  return json(configSchema([...loaded.values()].flatMap((state) => ("plugin" in state ? [state.plugin] : []))));
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Writes a file that is not as it should be, or only tells so. Returns whether it was current. */
function bring(path: string, wanted: string, check: boolean): boolean {
  if (existsSync(path) && readFileSync(path, "utf8") === wanted) return true;
  if (!check) writeFileSync(path, wanted);
  const name = relative(root, path);
  console.log(check ? `${name} is not current; run: npm run catalogue` : `wrote ${name}`);
  return false;
}

if (import.meta.main) {
  const check = process.argv.includes("--check");
  const manifests = packages.map(({ folder, pattern }) =>
    bring(join(root, folder, "package.json"), manifest(folder, pattern), check),
  );
  const current = bring(join(root, "docs/schema.json"), await schema(), check);
  const readme = join(root, "README.md");
  const shown = bring(readme, withTable(readFileSync(readme, "utf8")), check);
  process.exitCode = check && ![...manifests, current, shown].every(Boolean) ? 1 : 0;
}
