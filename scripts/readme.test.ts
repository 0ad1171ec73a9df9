import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { withTable } from "./readme-table.ts";
import { root, run } from "./run.ts";

const read = (path: string) => readFileSync(join(root, path), "utf8");
const readme = read("README.md");

describe("the README", () => {
  it("shows every plugin of every SPI", () => {
    assert.equal(readme, withTable(readme), "run `npm run catalogue`");
  });

  it("shows an app that stands in apps/hello as it is shown", () => {
    const shown = [...readme.matchAll(/<!-- (apps\/\S+) -->\n```\w+\n([\s\S]*?)```/g)];
    assert.deepEqual(
      shown.map(([, path]) => path),
      ["apps/hello/hello.ts", "apps/hello/hello.yaml"],
    );
    for (const [, path = "", text] of shown) assert.equal(read(path), text);
  });

  it("links only to what is there", () => {
    const links = [...readme.matchAll(/\]\(([^)#]+)/g)]
      .map(([, path = ""]) => path)
      .filter((path) => !path.includes("://"));
    assert.deepEqual(
      links.filter((path) => !existsSync(join(root, path))),
      [],
    );
  });

  it("names only commands that are there", () => {
    const { scripts } = JSON.parse(read("package.json"));
    const named = [...readme.matchAll(/npm run ([\w:-]+)/g)].map(([, script = ""]) => script);
    assert.deepEqual(
      named.filter((script) => !(script in scripts)),
      [],
    );
  });

  it("shows an app that the command finds nothing wrong with, and the error it gives for a misspelt balancer", async () => {
    const check = (...more: string[]) => run("node", ["kernel/cli/main.ts", "check", "apps/hello/hello.yaml", ...more]);
    const good = await check();
    assert.equal(good.code, 0, good.output);
    const bad = await check("--set", "use.loadbalancer=p2x");
    assert.notEqual(bad.code, 0);
    assert.match(bad.output, /loadbalancer "p2x" is not a plugin of this SPI\. Did you mean p2c\?/);
  });
});
