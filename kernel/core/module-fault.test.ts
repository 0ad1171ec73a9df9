import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { moduleFault } from "./module-fault.ts";

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "mortise-fault-"));
});
after(() => rm(directory, { recursive: true }));

async function faultOf(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  try {
    await import(pathToFileURL(path).href);
  } catch (error) {
    return moduleFault(error).replaceAll(directory, "");
  }
  throw new Error("the module was imported");
}

describe("the fault of a module", () => {
  it("is told with the line that is no TypeScript", async () => {
    assert.match(await faultOf("a.ts", "const a = 1;\nconst b: = 2;\n"), /^[^\n]+ \(\/a\.ts:2(:\d+)?\)$/);
  });

  it("is told with the line that throws", async () => {
    assert.match(await faultOf("c.ts", "\nthrow new Error('no\\nway');\n"), /^no \(\/c\.ts:2:\d+\)$/);
  });

  it("is told with the package to install", async () => {
    const fault = await faultOf("d.ts", 'import "not-installed/sub";');
    assert.match(fault, /^[^\n]*not-installed[^\n]* Install it: npm install not-installed/);
  });

  it("is told with the line that imports what is not there", async () => {
    await writeFile(join(directory, "e.ts"), "export const e = 1;");
    assert.match(await faultOf("f.ts", 'import { g } from "./e.ts";\nexport { g };'), /'g'.*\/f\.ts:1/);
  });
});
