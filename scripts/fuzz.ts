// Feeds decoders with bytes that were valid before they were changed: `npm run fuzz` lists the targets, `npm run fuzz -- dubbo`
// runs one a million times (--runs=, --seed=). A target is a file <name>.fuzz.fixture.ts that exports `target`.
import { glob } from "node:fs/promises";
import { basename, join } from "node:path";
import { type FuzzTarget, fuzz } from "@mortise/kernel/testing";

const root = join(import.meta.dirname, "..");
const suffix = ".fuzz.fixture.ts";
/** Beyond this a decoder keeps what it should not. */
const maxBytes = 256 * 1024 * 1024;

const targets = new Map<string, string>();
for await (const file of glob(`{kernel,plugins}/**/*${suffix}`, { cwd: root })) {
  if (!file.includes("node_modules")) targets.set(basename(file, suffix), join(root, file));
}

const flag = (name: string) => process.argv.find((argument) => argument.startsWith(`--${name}=`))?.split("=", 2)[1];
const runs = Number(flag("runs") ?? 1_000_000);
const seed = Number(flag("seed") ?? 1);
const names = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
if (names.length === 0) console.log(`There are: ${[...targets.keys()].toSorted().join(", ")}; or all.`);
for (const name of names[0] === "all" ? targets.keys() : names) {
  const file = targets.get(name);
  if (file === undefined) {
    console.error(`There is no target "${name}". There are: ${[...targets.keys()].toSorted().join(", ")}.`);
    process.exitCode = 2;
    continue;
  }
  const { target }: { readonly target: FuzzTarget } = await import(file);
  const began = performance.now();
  const { taken, refused, peakBytes } = await fuzz(target, { runs, seed });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const peak = `${Math.round(peakBytes / 1024 / 1024)} MiB at most`;
  console.log(`${name}: ${runs} inputs in ${seconds} s, ${taken} taken, ${refused} refused, ${peak}`);
  if (peakBytes > maxBytes) {
    console.error(`${name} has kept more than ${maxBytes} bytes.`);
    process.exitCode = 1;
  }
}
