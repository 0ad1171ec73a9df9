import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { loadAll } from "./load.ts";
import { packagePlugins } from "./package-plugins.ts";

const source = (spi: string, name: string) =>
  `export const made = { id: "${spi}/${name}", spi: { id: "${spi}", kind: "named" }, name: "${name}", setup() {} };`;

const manifest = (plugins: object, exports?: object) => JSON.stringify({ name: "ours", exports, mortise: { plugins } });

let root: string;

before(async () => {
  root = await mkdtemp(join(tmpdir(), "mortise-packages-"));
  const files: Readonly<Record<string, string>> = {
    "app/package.json": "{}",
    "kernel/node_modules/ours/package.json": manifest(
      { "bus/one": "./bus/one", "bus/two": "./bus/two.mjs", "bus/three": "./bus/three" },
      { "./*": { never: "./nowhere/*.mjs", default: "./made/*.mjs" } },
    ),
    "kernel/node_modules/ours/made/bus/one.mjs": source("bus", "one"),
    "kernel/node_modules/ours/bus/one/readme": "a folder of the same name",
    "kernel/node_modules/ours/bus/two.mjs": source("bus", "two"),
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
});
after(() => rm(root, { recursive: true }));

describe("companion packages", () => {
  const found = () => packagePlugins(join(root, "app"), { names: ["ours"], dir: join(root, "kernel/core") });

  it("are found beside the kernel when the app does not have them, and count as built in", async () => {
    const { catalogue, problems } = await found();
    assert.deepEqual(problems, []);
    assert.deepEqual(
      catalogue.map(({ id, source, from }) => [id, source, from]),
      [
        ["bus/one", "built-in", "ours"],
        ["bus/two", "built-in", "ours"],
        ["bus/three", "built-in", "ours"],
      ],
    );
    assert.deepEqual((await packagePlugins(join(root, "app"))).catalogue, []);
  });

  it("name a sub-path they export, or a file", async () => {
    const { loaded } = await loadAll((await found()).catalogue);
    const states = [...loaded.values()].map((state) => ("plugin" in state ? state.plugin.id : state.failure.message));
    assert.deepEqual(states.slice(0, 2), ["bus/one", "bus/two"]);
    assert.match(states[2] ?? "", /^bus\/three cannot be loaded from ours: /);
  });
});
