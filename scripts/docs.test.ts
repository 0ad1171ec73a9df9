// The page of every SPI lists its plugins, and the README of every plugin its options.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { root } from "./run.ts";

const read = (path: string) => readFileSync(join(root, path), "utf8");

/** Ids of the plugins that come with Mortise, as the manifests list them. */
const ids = ["plugins", "telemetry"].flatMap((workspace) =>
  Object.keys(JSON.parse(read(`${workspace}/package.json`)).mortise.plugins),
);
const spis = [...new Set(ids.map((id) => id.slice(0, id.indexOf("/"))))];
const folderOf = (id: string) => (id.startsWith("telemetry/") ? id : `plugins/${id}`);

/** Options by plugin, as editors complete them. */
const { definitions }: { readonly definitions: Readonly<Record<string, { readonly properties?: object }>> } =
  JSON.parse(read("docs/schema.json"));
const optionsOf = (id: string) => Object.keys(definitions[`options.${id.replace("/", ".")}`]?.properties ?? {});

/** What a page links to, without addresses of the web and places within pages. */
function linksOf(page: string): string[] {
  return [...read(page).matchAll(/\]\(([^)#]+)(#[^)]*)?\)/g)]
    .map(([, path = ""]) => path)
    .filter((path) => !path.includes("://"));
}

describe("the page of", () => {
  for (const spi of spis) {
    it(`${spi} lists its plugins and links only to what is there`, () => {
      const page = `docs/spi/${spi}.md`;
      const links = linksOf(page).map((path) => join(dirname(page), path));
      const own = ids.filter((id) => id.startsWith(`${spi}/`)).map((id) => `${folderOf(id)}/README.md`);
      assert.deepEqual(
        own.filter((readme) => !links.includes(readme)),
        [],
        "not listed",
      );
      assert.deepEqual(
        links.filter((path) => !existsSync(join(root, path))),
        [],
        "not there",
      );
    });
  }
});

describe("the README of", () => {
  for (const id of ids) {
    it(`${id} names every option and links only to what is there`, () => {
      const readme = `${folderOf(id)}/README.md`;
      const text = read(readme);
      assert.deepEqual(
        optionsOf(id).filter((option) => !text.includes(`\`${option}\``) && !text.includes(`\`${option}.`)),
        [],
        "not named",
      );
      assert.deepEqual(
        linksOf(readme).filter((path) => !existsSync(join(root, dirname(readme), path))),
        [],
        "not there",
      );
    });
  }
});
