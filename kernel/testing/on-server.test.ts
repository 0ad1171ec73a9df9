import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { describe, it } from "node:test";

const module = JSON.stringify(new URL("./on-server.ts", import.meta.url).href);
const source = `
  import { MissingServer, onServer } from ${module};
  const start = () => Promise.reject(new MissingServer("There is no thing server."));
  await onServer("things", start, () => { throw new Error("these tests must not run"); });
`;

/** Runs a test file that needs a server there is none of. */
async function run(ci: string): Promise<{ readonly code: number | null; readonly output: string }> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = "Deno" in globalThis ? ["eval", "--ext=mjs", source] : ["--input-type=module", "-e", source];
  const child = spawn(process.execPath, args, { env: { ...env, CI: ci } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, output };
}

describe("onServer without a server", () => {
  it("says loudly what was not tested", async () => {
    const { code, output } = await run("");
    assert.equal(code, 0, output);
    assert.match(output, /!!!!\nNOT TESTED: things\. There is no thing server\.\n!!!!/);
  });

  it("fails where CI is true", async () => {
    const { code, output } = await run("true");
    assert.notEqual(code, 0);
    assert.match(output, /There is no thing server\./);
  });
});
