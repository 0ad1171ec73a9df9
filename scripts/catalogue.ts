// Lists our own plugins in the manifests they are found by: `npm run catalogue`, or with --check whether they are current.
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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

/** The text a manifest should have. */
function current(folder: string, pattern: RegExp): { path: string; before: string; after: string } {
  const path = join(root, folder, "package.json");
  const before = readFileSync(path, "utf8");
  const files = globSync("**/*.ts", { cwd: join(root, folder), exclude: ["node_modules", "dist"] });
  const manifest = JSON.parse(before) as Record<string, unknown>;
  const after = { ...manifest, mortise: { plugins: pluginsIn(files, pattern, folder) } };
  return { path, before, after: `${JSON.stringify(after, null, 2)}\n` };
}

if (import.meta.main) {
  const stale = packages
    .map(({ folder, pattern }) => current(folder, pattern))
    .filter(({ before, after }) => before !== after);
  const check = process.argv.includes("--check");
  for (const { path, after } of stale) {
    if (!check) writeFileSync(path, after);
    console.log(check ? `${path} does not list the plugins there are; run: npm run catalogue` : `wrote ${path}`);
  }
  const table = join(root, "README.md");
  const shown = readFileSync(table, "utf8");
  if (!check && withTable(shown) !== shown) writeFileSync(table, withTable(shown)); // a test of the README checks it
  process.exitCode = check && stale.length > 0 ? 1 : 0;
}
