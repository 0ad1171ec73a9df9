import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, it } from "node:test";
import { circles } from "./cycles.ts";
import { usesOf } from "./imports.ts";
import { forbidden, resolveSource } from "./layers.ts";
import { root } from "./run.ts";
import { readSources, readWorkspaces } from "./sources.ts";

const sources = readSources();
const workspaces = readWorkspaces();
const isTest = (file: string) => /\.(test|conformance|fixture)\.ts$/.test(file);

const effects = new Set([
  ...["Date.now", "new Date()", "performance.now", "Math.random", "crypto.randomUUID", "crypto.getRandomValues"],
  ...["randomUUID", "setTimeout", "setInterval"],
]);
const surroundings = new Set(["process.exit", "process.on", "process.once", "process.env", "process.exitCode"]);
const output = new Set([
  "console.log",
  "console.error",
  "console.warn",
  "console.info",
  "process.stdout",
  "process.stderr",
]);

/** Sources of the product that use one of `names`, as `file:line name`. */
function users(names: ReadonlySet<string>, exempt: RegExp): string[] {
  return sources
    .filter(
      ({ file }) =>
        !isTest(file) &&
        !/^(scripts|bench|interop|kernel\/([^/]+\/)?testing|kernel\/spi\/[a-z-]+-laws)\//.test(file) &&
        !exempt.test(file),
    )
    .flatMap(({ file, text }) => usesOf(file, text, names).map(({ name, line }) => `${file}:${line} ${name}`));
}

describe("the sources", () => {
  it("import only what their folder may", () => {
    const wrong = sources.flatMap(({ file, imports }) =>
      forbidden(file, imports, workspaces).map((specifier) => `${file} imports ${specifier}`),
    );
    assert.deepEqual(wrong, []);
  });

  it("import no value in a circle", () => {
    const graph = new Map(
      sources.map(({ file, imports }) => [
        file,
        imports
          .filter(({ typeOnly, lazy }) => !typeOnly && !lazy)
          .flatMap(({ specifier }) => resolveSource(file, specifier, workspaces) ?? []),
      ]),
    );
    assert.deepEqual(circles(graph), []);
  });

  it("take time, timers, random numbers and ids from the ports", () => {
    assert.deepEqual(users(effects, /^kernel\/core\/ports\.ts$/), []);
  });

  it("leave the process, its signals and its environment to the command and the apps", () => {
    assert.deepEqual(users(surroundings, /^(kernel\/cli|apps)\//), []);
    assert.deepEqual(users(output, /^(kernel\/cli|apps)\//), []);
  });

  it("have an index only at a door, and export by name", () => {
    const doors = workspaces.flatMap(({ folder, sources }) =>
      Object.values(sources).map((source) => join(folder, source)),
    );
    const indexes = sources
      .map(({ file }) => file)
      .filter((file) => basename(file) === "index.ts" && !doors.includes(file));
    assert.deepEqual(indexes, []);
    const named = sources.filter(
      ({ file, text }) => !/\.(config|reporter)\.ts$/.test(file) && /^export default /m.test(text),
    );
    assert.deepEqual(
      named.map(({ file }) => file),
      [],
    );
  });
});

const pluginFolders = [
  ...new Set(sources.map(({ file }) => /^(plugins\/[^/]+\/[^/]+|telemetry\/[^/]+)\//.exec(file)?.[1] ?? "")),
].filter(Boolean);

describe("every plugin folder", () => {
  for (const folder of pluginFolders) {
    const spi = basename(dirname(folder));
    const name = basename(folder);
    const inFolder = sources.filter(({ file }) => file.startsWith(`${folder}/`));

    it(`${folder} has its plugin in ${name}.ts, and a README`, () => {
      assert.ok(existsSync(join(root, folder, `${name}.ts`)), `${folder}/${name}.ts`);
      assert.ok(existsSync(join(root, folder, "README.md")), `${folder}/README.md`);
    });

    it(`${folder} runs the conformance suite of ${spi}`, () => {
      const suite = `@mortise/kernel/spi/${spi}.conformance`;
      const tests = inFolder.filter(({ file }) => file.endsWith(".test.ts"));
      assert.ok(
        tests.some(({ imports }) => imports.some(({ specifier }) => specifier === suite)),
        `no test imports ${suite}`,
      );
    });
  }
});
