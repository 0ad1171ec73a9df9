import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { postgresArguments, reservedSettings } from "./arguments.ts";
import { appIn } from "./postmaster.ts";
import { isAlarming, isReady, mayPass, startProblem } from "./words.ts";

describe("PostgreSQL's words", () => {
  it("tell when it serves", () => {
    assert.ok(isReady("LOG:  database system is ready to accept connections"));
    assert.equal(isReady("LOG:  database system was shut down at 2026-11-21 11:40:13 UTC"), false);
  });

  for (const [problem, ...words] of [
    [
      "port-taken",
      'LOG:  could not bind IPv4 address "127.0.0.1": Address already in use',
      "HINT:  Is another postmaster already running on port 5432?",
    ],
    ["data-locked", 'FATAL:  lock file "postmaster.pid" already exists'],
    ["leftover-memory", "FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use"],
    ["other", 'FATAL:  unrecognized configuration parameter "x"'],
    ["other"],
  ] as const) {
    it(`tell of ${problem}${words.length === 0 ? " when there are none" : ""}`, () => {
      assert.equal(startProblem(words), problem);
      assert.equal(mayPass(problem), problem === "data-locked" || problem === "leftover-memory");
    });
  }

  it("alarm only when an operator should know", () => {
    assert.ok(isAlarming("PANIC:  could not write to file"));
    assert.ok(isAlarming("LOG:  server process (PID 7) was terminated by signal 9: Killed"));
    assert.equal(isAlarming('ERROR:  relation "x" does not exist'), false);
  });
});

describe("postgresArguments", () => {
  const given = { dataArgument: "/data", port: 5433, maxConnections: 50, settings: {}, app: "7@9#ab" };
  const settingsOf = (args: readonly string[]) =>
    Object.fromEntries(
      args
        .filter((arg) => arg.includes("="))
        .map((arg) => [arg.slice(0, arg.indexOf("=")), arg.slice(arg.indexOf("=") + 1)]),
    );

  it("say where, for whom and how", () => {
    const args = postgresArguments(given);
    assert.deepEqual(args.slice(0, 2), ["-D", "/data"]);
    const settings = settingsOf(args);
    assert.deepEqual(
      [settings.port, settings.listen_addresses, settings.max_prepared_transactions],
      ["5433", "127.0.0.1", "64"],
    );
    assert.equal(appIn(args), "7@9#ab");
    assert.equal(appIn(["postgres"]), undefined);
  });

  it("let settings replace what is advice, and not what the platform decides", () => {
    const settings = Object.fromEntries([
      ["shared_buffers", "1GB"],
      ...reservedSettings.map((name) => [name, "hijacked"]),
    ]);
    const all = settingsOf(postgresArguments({ ...given, settings }));
    assert.equal(all.shared_buffers, "1GB");
    assert.equal(Object.values(all).includes("hijacked"), false);
  });
});
