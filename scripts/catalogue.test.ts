import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pluginsIn } from "./catalogue.ts";
import { run } from "./run.ts";

describe("the catalogue", () => {
  it("lists what is in a folder of its own name, sorted", () => {
    const files = ["bus/nats/nats.ts", "bus/nats/nats.test.ts", "bus/nats/codec.ts", "bus/memory/memory.ts", "x.ts"];
    const pattern = /^(?<spi>[^/]+)\/(?<name>[^/]+)\/\k<name>\.ts$/;
    assert.deepEqual(pluginsIn(files, pattern, "plugins"), {
      "bus/memory": "./bus/memory/memory",
      "bus/nats": "./bus/nats/nats",
    });
    assert.deepEqual(pluginsIn(["otel/otel.ts"], /^(?<name>[^/]+)\/\k<name>\.ts$/, "telemetry"), {
      "telemetry/otel": "./otel/otel",
    });
  });

  it("is current", async () => {
    const { code, output } = await run("node", ["scripts/catalogue.ts", "--check"]);
    assert.equal(code, 0, output);
  });
});
