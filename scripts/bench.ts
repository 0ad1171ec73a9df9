// Runs measurements: `npm run bench` lists and runs all, `npm run bench -- codec --json` runs one and prints data.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "./run.ts";

const names = readdirSync(join(root, "bench"))
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.slice(0, -3));

const [first, ...rest] = process.argv.slice(2);
const chosen = first === undefined || first.startsWith("-") ? names : [first];
const flags = first?.startsWith("-") ? [first, ...rest] : rest;

for (const name of chosen) {
  if (!names.includes(name)) {
    console.error(`There is no measurement "${name}". There are: ${names.join(", ")}.`);
    process.exitCode = 2;
    break;
  }
  const { code } = await run("node", ["--expose-gc", join("bench", `${name}.ts`), ...flags], { live: true });
  if (code !== 0) process.exitCode = code;
}
