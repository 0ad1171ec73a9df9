// Builds the storefront if that was not done since its sources changed: `npm start` runs this first.
import { globSync, statSync } from "node:fs";
import { join } from "node:path";

const web = join(import.meta.dirname, "web");
const sources = ["index.html", "vite.config.ts", "src/**/*", "public/**/*"];
const time = (path: string) => statSync(join(web, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
const newest = Math.max(...globSync(sources, { cwd: web }).map(time));

if (time("dist/index.html") < newest) {
  const { build } = await import("vite");
  await build({ root: web, configFile: join(web, "vite.config.ts"), logLevel: "warn" });
  console.log("Built the storefront.");
}
