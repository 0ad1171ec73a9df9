import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Problem } from "../core/config.ts";
import { formatProblem } from "../core/problems.ts";
import { loadConfig } from "./load-config.ts";
import { reportInto } from "./problem.ts";
import { findServices } from "./services.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "mortise-config-"));
});
afterEach(() => rm(directory, { recursive: true }));

async function put(path: string, text = ""): Promise<string> {
  const file = join(directory, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
}

describe("an app file", () => {
  it("is read with its profile, and names both files for watching", async () => {
    const file = await put("shop.yaml", "app: shop\nuse: { bus: nats }");
    await put("shop.local.yaml", "use: { bus: memory }");
    const loaded = await loadConfig(file, { profile: "local" });
    assert.deepEqual(loaded.problems, []);
    assert.deepEqual(loaded.file.use, { bus: "memory" });
    assert.equal(loaded.directory, directory);
    assert.deepEqual(
      loaded.files.map(({ path, text }) => [path, text?.length]),
      [
        [file, 28],
        [join(directory, "shop.local.yaml"), 20],
      ],
    );
  });

  it("is missed with the names of others beside it", async () => {
    await put("shop.yaml", "app: shop");
    const file = join(directory, "shp.yaml");
    const { problems } = await loadConfig(file);
    assert.deepEqual(problems.map(formatProblem), [
      `${file}  there is no such file. Did you mean shop.yaml? (shop.yaml)`,
    ]);
  });

  it("is asked for when a directory is named", async () => {
    await put("shop.yaml", "app: shop");
    const { problems } = await loadConfig(directory);
    assert.deepEqual(problems.map(formatProblem), [
      `${directory}  this is a directory; name a file in it. Known: shop.yaml.`,
    ]);
  });

  it("is told from a profile that is named alone", async () => {
    await put("shop.yaml", "app: shop");
    const file = await put("shop.local.yaml", "use: { bus: memory }");
    const app = join(directory, "shop.yaml");
    const { problems } = await loadConfig(file);
    assert.deepEqual(problems.map(formatProblem), [
      `${file}  this is a profile of ${app}, no app file; name them as ${app} --profile local`,
    ]);
  });

  it("tells a missing profile with those there are, besides its own problems", async () => {
    const file = await put("shop.yaml", "ap: shop");
    await put("shop.local.yaml", "");
    await put("shop.compose.yaml", "");
    const { problems } = await loadConfig(file, { profile: "locl" });
    assert.deepEqual(problems.map(formatProblem), [
      `${join(directory, "shop.locl.yaml")}  there is no such file, so no profile "locl". Did you mean local? (compose, local)`,
      `${file}:1:1  unknown key "ap". Did you mean app? (app, options, plugins, policies, services, transactions, use)`,
      `${file}:1:1  app is missing; begin with \`app: <name>\``,
    ]);
  });
});

describe("services", () => {
  const at = { file: "shop.yaml", line: 3, column: 12 };
  const find = async (name: string, path?: string) => {
    const problems: Problem[] = [];
    const entries = await findServices([{ name, path, at }], directory, reportInto(problems));
    return { entries: entries.map(({ id, from }) => [id, from]), problems: problems.map(formatProblem) };
  };

  it("are found beside the app file, as TypeScript or JavaScript, or where the configuration says", async () => {
    const user = await put("user/user.ts");
    const order = await put("order/order.js");
    const stock = await put("lib/stock.ts");
    assert.deepEqual(await find("user"), { entries: [["service/user", user]], problems: [] });
    assert.deepEqual(await find("order"), { entries: [["service/order", order]], problems: [] });
    assert.deepEqual(await find("inventory", "./lib/stock.ts"), {
      entries: [["service/inventory", stock]],
      problems: [],
    });
  });

  it("are missed with the nearest one there is", async () => {
    await put("user/user.ts");
    await put("order/order.js");
    await put("usage/notes.txt");
    assert.deepEqual((await find("usr")).problems, [
      `shop.yaml:3:12  service usr: there is no file ${join(directory, "usr/usr.ts")}. Did you mean user? (order, user)`,
    ]);
    assert.deepEqual((await find("user", "./users.ts")).problems, [
      `shop.yaml:3:12  service user: there is no file ${join(directory, "users.ts")}.`,
    ]);
  });
});
