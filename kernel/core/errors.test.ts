import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { KernelError, kernelErrors, reasonOf } from "./errors.ts";

describe("errors of the kernel", () => {
  it("are all in docs/errors.md, with the advice the code gives", async () => {
    const page = await readFile(join(import.meta.dirname, "../../docs/errors.md"), "utf8");
    const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| (.+) \|$/gm)].map(([, code, advice]) => [code, advice]);
    assert.deepEqual(rows, Object.entries(kernelErrors));
  });

  it("are all used", async () => {
    const files = (await readdir(import.meta.dirname)).filter((name) =>
      /^(?!.*\.(test|fixture)\.ts)(?!errors).*\.ts$/.test(name),
    );
    const texts = await Promise.all(files.map((name) => readFile(join(import.meta.dirname, name), "utf8")));
    const source = texts.join("\n");
    assert.deepEqual(
      Object.keys(kernelErrors).filter((code) => !source.includes(`"${code}"`)),
      [],
    );
  });

  it("say what happened, then what to do, then what else is wrong", () => {
    const problems = [
      { code: "X", message: "one", path: ["use", "a"] },
      { code: "X", message: "two", path: [], location: { file: "a.yaml", line: 2, column: 3 } },
    ];
    const error = new KernelError("NOT_SELECTED", "bus was asked for.", { problems });
    const advice = "Select a plugin for the SPI under `use`, or let a plugin declare the need.";
    assert.equal(error.message, `bus was asked for. ${advice}\nuse.a  one\na.yaml:2:3  two`);
    assert.deepEqual([error.code, error.subject, error.problems], ["NOT_SELECTED", "bus was asked for.", problems]);
  });

  it("do not say the same twice", () => {
    const problems = [{ code: "START_FAILED", message: "it broke.", path: [] }];
    assert.doesNotMatch(new KernelError("START_FAILED", "it broke.", { problems }).message, /\n/);
  });

  it("give a reason for whatever was thrown", () => {
    assert.deepEqual(
      [reasonOf(new Error(" no ")), reasonOf(new TypeError("")), reasonOf("text"), reasonOf(undefined)],
      ["no", "TypeError", "text", "undefined"],
    );
  });
});
