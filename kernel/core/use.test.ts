import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { UseValue } from "./config.ts";
import { readUse } from "./use.ts";

const keys = (value: UseValue) => readUse("bus", value).use.entries.map(({ alias, key }) => `${alias}=${key}`);
const faults = (value: unknown) =>
  readUse("bus", value as UseValue).faults.map(({ code, message, path }) => ({ code, message, path }));

describe("what the configuration says about an SPI", () => {
  it("gives a name, and each name of a list, the key <spi>/<name>", () => {
    assert.deepEqual(keys("nats"), ["nats=bus/nats"]);
    assert.deepEqual(keys(["nats", "memory"]), ["nats=bus/nats", "memory=bus/memory"]);
  });

  it("gives the first alias the plain key and every other one the key <spi>/<name>#<alias>", () => {
    assert.deepEqual(keys({ default: "nats", audit: "nats" }), ["default=bus/nats", "audit=bus/nats#audit"]);
    assert.deepEqual(keys({ default: "redis", audit: "nats" }), ["default=bus/redis", "audit=bus/nats#audit"]);
  });

  it("gives an alias that is the plugin's own name the plain key unless that is taken", () => {
    assert.deepEqual(keys({ default: "nats", memory: "memory" }), ["default=bus/nats", "memory=bus/memory"]);
    assert.deepEqual(keys({ default: "nats", nats: "nats" }), ["default=bus/nats", "nats=bus/nats#nats"]);
  });

  it("tells listed names, removed names and the place of `default` apart", () => {
    const { use } = readUse("filter", ["a", "default", "-b", "c"]);
    assert.deepEqual(
      use.entries.map(({ name }) => name),
      ["a", "c"],
    );
    assert.deepEqual(use.removed, [{ name: "b", path: ["use", "filter", 2] }]);
    assert.equal(use.defaultAt, 1);
    assert.equal(readUse("filter", ["-default", "a"]).use.withoutDefault, true);
  });

  it("takes `default` as an alias, not as a word, in names by alias", () => {
    assert.equal(readUse("bus", { default: "nats" }).use.defaultAt, undefined);
  });

  it("refuses what is no name and says what it found", () => {
    assert.deepEqual(faults(["nats", 7]), [
      {
        code: "USE_INVALID",
        message:
          "bus: expected the name of a plugin, found a number. Write a name, a list of names, or names by alias.",
        path: ["use", "bus", 1],
      },
    ]);
    for (const wrong of [null, true, "", "-", [["nats"]], { default: null }])
      assert.equal(faults(wrong)[0]?.code, "USE_INVALID");
  });

  it("refuses a list that contradicts itself", () => {
    assert.match(
      faults(["nats", "nats"])[0]?.message ?? "",
      /nats stands in the list twice.*\{ default: nats, other: nats \}/,
    );
    assert.match(faults(["default", "default"])[0]?.message ?? "", /twice/);
    assert.match(faults(["nats", "-nats"])[0]?.message ?? "", /both nats and -nats/);
    assert.match(faults(["default", "-default"])[0]?.message ?? "", /both `default` and `-default`/);
  });
});
