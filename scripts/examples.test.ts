// The examples in YAML that READMEs of plugins show are read as app files, and planned.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { loadApp } from "@mortise/kernel/config";
import { root } from "./run.ts";

/** What examples leave out: it belongs to another plugin, whose own page shows it. */
const leftOut = [/^store\/postgres: option "url"/, /^identity\/hmac: option "keys"/];

const service = `import { defineService } from "@mortise/kernel";
import { message, rpc, service } from "@mortise/kernel/contract";
const Nothing = message("example.v1.Nothing", {});
export const example = defineService(service("example.v1.Example", { nothing: rpc(Nothing, Nothing) }), {
  name: "example",
  description: "Does nothing",
  setup: () => ({ handlers: { nothing: async () => ({}) } }),
});
`;

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "mortise-examples-"));
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  await writeFile(join(folder, "example.ts"), service);
});
after(() => rm(folder, { recursive: true }));

/** The example as the app file of one service; what it leaves out is added. */
function appOf(example: string): string {
  const whole = /^services:/m.test(example) ? example : `${example}\nservices: { example: ./example.ts }\n`;
  return /^app:/m.test(whole) ? whole : `app: example\n${whole}`;
}

/** Values for the variables that have none by default. */
function variablesOf(example: string): Record<string, string> {
  const names = [...example.matchAll(/\$\{(\w+)\}/g)].map(([, name = ""]) => name);
  const textFor = (name: string) => (name.includes("DATABASE") ? "postgres://u:p@127.0.0.1:5432" : "x".repeat(40));
  return Object.fromEntries(names.map((name) => [name, textFor(name)]));
}

describe("the examples of", () => {
  for (const readme of globSync("{plugins/*/*,telemetry/*}/README.md", { cwd: root }).sort()) {
    const examples = [...readFileSync(join(root, readme), "utf8").matchAll(/```yaml\n([\s\S]*?)```/g)];
    for (const [index, [, example = ""]] of examples.entries()) {
      it(`${readme}, number ${index + 1}, can be planned`, async () => {
        const file = join(folder, "app.yaml");
        await writeFile(file, appOf(example));
        const { problems } = await loadApp(file, { env: variablesOf(example) });
        const wrong = problems.map(({ message }) => message);
        assert.deepEqual(
          wrong.filter((message) => !leftOut.some((known) => known.test(message))),
          [],
        );
      });
    }
  }
});
