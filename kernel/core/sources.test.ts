import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { loadUsed } from "./load.ts";
import { packagePlugins } from "./package-plugins.ts";
import { plan } from "./plan.ts";
import { fileEntry, filePlugins } from "./sources.ts";

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), "mortise-sources-"));
});
after(() => rm(dir, { recursive: true }));

async function write(path: string, text: string): Promise<string> {
  await mkdir(dirname(join(dir, path)), { recursive: true });
  await writeFile(join(dir, path), text);
  return join(dir, path);
}

const core = pathToFileURL(import.meta.dirname).href;

function pluginText(spi: string, name: string, before = ""): string {
  return `${before}
import { definePlugin } from "${core}/plugin.ts";
import { defineSpi } from "${core}/spi.ts";
export const helper = 1;
export const it = definePlugin({ spi: defineSpi("${spi}", { kind: "named" }), name: "${name}", description: "", setup: () => ({ api: "${name}" }) });
`;
}

describe("plugins in files", () => {
  it("are known by the id of the one plugin the file exports", async () => {
    await write("a/one.ts", pluginText("bus", "one"));
    const { catalogue, problems } = await filePlugins(["./a/one.ts", join(dir, "a/one.ts")], dir);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      catalogue.map(({ id, source, from }) => [id, source, from]),
      Array(2).fill(["bus/one", "file", join(dir, "a/one.ts")]),
    );
    assert.equal((await catalogue[0]?.load())?.id, "bus/one");
  });

  it("are not touched before they are used when the configuration gives their ids", async () => {
    const { catalogue, problems } = await filePlugins({ "bus/gone": "./a/gone.ts" }, dir);
    assert.deepEqual(problems, []);
    const config = { use: { bus: "gone" }, options: {} };
    const [problem] = plan(await loadUsed(catalogue, config), config).problems;
    assert.equal(problem?.code, "PLUGIN_UNLOADABLE");
    assert.match(problem?.message ?? "", /bus\/gone cannot be loaded from .*gone\.ts/);
  });

  it("that cannot be read, or export none or two, are problems that name the file", async () => {
    await write("a/broken.ts", "export const = 1;");
    await write("a/none.ts", "export const helper = 1;");
    await write("a/throws.ts", pluginText("bus", "throws", 'throw new Error("not today");'));
    const { catalogue, problems } = await filePlugins(["a/broken.ts", "a/none.ts", "a/throws.ts", "a/missing.ts"], dir);
    assert.deepEqual(catalogue, []);
    const texts = problems.map(({ code, message, path }) => `${code} ${path.join(".")} ${message.replaceAll(dir, "")}`);
    assert.match(
      texts[0] ?? "",
      /^PLUGIN_UNLOADABLE plugins\.0 the plugin file \/a\/broken\.ts cannot be loaded: .*broken\.ts:1/,
    );
    assert.equal(texts[1], "PLUGIN_MISMATCH plugins.1 /a/none.ts exports no plugin.");
    assert.match(texts[2] ?? "", /^PLUGIN_UNLOADABLE plugins\.2 .*not today/);
    assert.match(texts[3] ?? "", /^PLUGIN_UNLOADABLE plugins\.3 .*missing\.ts/);
  });

  it("may be declared wrongly, which is told in the words of the declaration", async () => {
    const path = await write("a/wrong.ts", pluginText("bus", "Wrong_Name"));
    const config = { use: { bus: "wrong" }, options: {} };
    const [problem] = plan(await loadUsed([fileEntry("bus/wrong", path)], config), config).problems;
    assert.match(problem?.message ?? "", /plugin bus\/Wrong_Name: the name must be kebab-case/);
  });
});

describe("plugins in packages", () => {
  const manifest = (content: object) => JSON.stringify(content);

  it("are read from the manifests of the app's dependencies, without running code", async () => {
    await write(
      "app/package.json",
      manifest({ dependencies: { consul: "1", plain: "1", "not-installed": "1" }, devDependencies: { "@a/b": "1" } }),
    );
    await write(
      "app/node_modules/consul/package.json",
      manifest({ mortise: { plugins: { "registry/consul": "./consul.js" } } }),
    );
    await write("app/node_modules/consul/consul.js", 'throw new Error("ran");');
    await write("app/node_modules/plain/package.json", manifest({}));
    await write("node_modules/@a/b/package.json", manifest({ mortise: { plugins: { "bus/b": "./lib/b.js" } } }));
    await write("node_modules/@a/b/lib/b.js", pluginText("bus", "b"));
    await mkdir(join(dir, "app/src"));
    const { catalogue, problems } = await packagePlugins(join(dir, "app/src"));
    assert.deepEqual(problems, []);
    assert.deepEqual(
      catalogue.map(({ id, source, from }) => [id, source, from]),
      [
        ["bus/b", "package", "@a/b"],
        ["registry/consul", "package", "consul"],
      ],
    );
    assert.equal((await catalogue[0]?.load())?.id, "bus/b");
  });

  it("declared wrongly are problems that name the manifest", async () => {
    await write("bad/package.json", manifest({ dependencies: { one: "1", two: "1" } }));
    await write(
      "bad/node_modules/one/package.json",
      manifest({
        mortise: { plugins: { consul: "./a.js", "bus/out": "../../x.js", "bus/num": 7, "bus/ok": "./ok.js" } },
      }),
    );
    await write("bad/node_modules/two/package.json", manifest({ mortise: { plugins: ["bus/two"] } }));
    const { catalogue, problems } = await packagePlugins(join(dir, "bad"));
    assert.deepEqual(
      catalogue.map(({ id }) => id),
      ["bus/ok"],
    );
    assert.deepEqual(
      problems.map(({ code, path }) => `${code} ${path.join(".")}`),
      [...Array(3).fill("CONTRIBUTION_INVALID packages.one"), "CONTRIBUTION_INVALID packages.two"],
    );
    assert.match(problems[0]?.message ?? "", /^"consul" is not an id of the form <spi>\/<name>\. Expected/);
    assert.equal(problems[0]?.location?.file, join(dir, "bad/node_modules/one/package.json"));
    assert.match(problems[1]?.message ?? "", /the file of bus\/out is not inside the package/);
  });

  it("are none where there is no package", async () => {
    assert.deepEqual(await packagePlugins("/"), { catalogue: [], problems: [] });
  });
});
