import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { virtualPorts } from "../testing/virtual-ports.ts";
import { type LineLogOptions, lineLog } from "./log.ts";

function logged(options: Partial<LineLogOptions> = {}) {
  const lines: string[] = [];
  const { clock } = virtualPorts({ wall: Date.UTC(2026, 0, 2, 3, 4, 5, 67) });
  const log = lineLog({
    level: "debug",
    format: "text",
    color: false,
    clock,
    write: (line) => lines.push(line),
    ...options,
  });
  return { log, lines };
}

describe("the log", () => {
  it("is one line per message for people, fields behind it", () => {
    const { log, lines } = logged();
    log.info("listening", { address: "127.0.0.1:1", text: "two words", n: 1n, list: [1, { a: 2n }], none: undefined });
    log.warn("slow");
    assert.deepEqual(lines, [
      '03:04:05.067 info  listening address=127.0.0.1:1 text="two words" n=1 list=[1,{"a":"2"}] none=undefined',
      "03:04:05.067 warn  slow",
    ]);
  });

  it("is one JSON object per message for machines", () => {
    const { log, lines } = logged({ format: "json" });
    log.error("lost", { count: 3, big: 5n });
    assert.deepEqual(JSON.parse(lines[0] ?? ""), {
      time: "2026-01-02T03:04:05.067Z",
      level: "error",
      message: "lost",
      count: 3,
      big: "5",
    });
  });

  it("leaves out what is below its level", () => {
    const { log, lines } = logged({ level: "warn" });
    for (const level of ["debug", "info", "warn", "error"] as const) log[level](level);
    assert.deepEqual(
      lines.map((line) => line.slice(13, 18)),
      ["warn ", "error"],
    );
    const silent = logged({ level: "silent" });
    silent.log.error("x");
    assert.deepEqual(silent.lines, []);
  });

  it("shows why a query failed, and none of the values it was made with", () => {
    const cause = new Error('relation "users" does not exist');
    const message = "Failed query: insert into users values ($1)\nparams: hunter2\nand more";
    const error = Object.assign(new Error(message, { cause }), {
      query: "insert into users values ($1)",
      params: ["hunter2"],
    });
    for (const format of ["text", "json"] as const) {
      const { log, lines } = logged({ format });
      log.error("failed", { error });
      const text = lines.join("\n");
      assert.ok(text.includes("does not exist") && text.includes("insert into users"), text);
      assert.ok(!text.includes("hunter2"), text);
    }
  });

  it("cannot be broken into two lines, or colour the terminal, by a message or a field", () => {
    const { log, lines } = logged();
    log.info("a\nb\u001b[31m", { c: "d\ne" });
    assert.deepEqual(lines, ['03:04:05.067 info  a\\nb\\u001b[31m c="d\\ne"']);
  });

  it("shows where an error came from behind its line, and only for errors", () => {
    const { log, lines } = logged();
    const error = new Error("broken");
    error.stack = "Error: broken\n    at here (x.ts:1:2)";
    log.error("failed", { error });
    log.warn("failed", { error });
    assert.deepEqual(lines, [
      "03:04:05.067 error failed error=broken\n    at here (x.ts:1:2)",
      "03:04:05.067 warn  failed error=broken",
    ]);
  });
});
