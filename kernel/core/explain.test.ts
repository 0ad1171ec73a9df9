import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import type { CoreConfig } from "./config.ts";
import { type Actor, stage } from "./kernel.fixture.ts";
import { every, live, optional } from "./needs.ts";
import { definePlugin } from "./plugin.ts";
import { printExplanation } from "./print-explanation.ts";
import { redacted } from "./redact.ts";
import { defineSpi } from "./spi.ts";

const store = defineSpi<Actor>("store", { kind: "one", fallback: "postgres" });
const filter = defineSpi<Actor>("filter", { kind: "chain" });
const service = defineSpi<Actor>("service", { kind: "named" });

async function explained() {
  const { actor, kernel: make, ports } = stage();
  const options = z.object({
    port: z.number().default(5432),
    user: z.string().default("me"),
    password: z.string().default(""),
  });
  const metrics = definePlugin<unknown>({
    spi: filter,
    name: "metrics",
    description: "Counts.",
    activate: { order: 30 },
    setup: () => ({ api: {} }),
  });
  const needs = { store, filters: live(every(filter)), nothing: optional(defineSpi<Actor>("bus", { kind: "one" })) };
  const kernel = make([
    actor(store, "postgres", { options, setup: () => ports.timers.sleep(12) }),
    actor(service, "order", { needs }),
    actor(service, "user", { needs: { store } }),
    metrics,
  ]);
  const lines: Readonly<Record<string, number>> = {
    "use/service/0": 4,
    "use/service/1": 5,
    "options/store/postgres/user": 9,
  };
  const config: CoreConfig = {
    use: { service: ["order", "user"] },
    options: { "store/postgres": { user: "shop", password: "hunter2" } },
    locate: (path) => {
      const line = lines[path.join("/")];
      return line === undefined ? undefined : { file: "app.yaml", line, column: 3 };
    },
  };
  await ports.settle(kernel.apply(config));
  return kernel.explain();
}

describe("an explanation", () => {
  it("tells of each plugin why it is there, what it was given and where its options come from", async () => {
    const { plugins, generation } = await explained();
    assert.equal(generation, 1);
    const of = (id: string) => plugins.find((plugin) => plugin.id === id);
    assert.deepEqual(of("service/order")?.selected, {
      why: { by: "config" },
      path: ["use", "service", 0],
      location: { file: "app.yaml", line: 4, column: 3 },
    });
    assert.deepEqual(of("service/order")?.needs, [
      { name: "store", asked: "store", live: false, given: ["store/postgres"] },
      { name: "filters", asked: "live(every(filter))", live: true, given: ["filter/metrics"] },
      { name: "nothing", asked: "optional(bus)", live: false, given: [] },
    ]);
    assert.deepEqual(of("store/postgres")?.selected.why, { by: "fallback", neededBy: "service/order" });
    assert.deepEqual(of("store/postgres")?.options, [
      { name: "port", value: 5432, from: "default" },
      { name: "user", value: "shop", from: { file: "app.yaml", line: 9, column: 3 } },
      { name: "password", value: "***", from: undefined },
    ]);
    assert.deepEqual([of("store/postgres")?.startMs, of("store/postgres")?.since], [12, 1]);
  });

  it("is drawn as a tree, each plugin once", async () => {
    assert.equal(
      printExplanation(await explained()),
      `generation 1, 4 plugins
service/order  selected at app.yaml:4:3, started in 0.0 ms for generation 1, app: this program
  store: store
    store/postgres  fallback for service/order, started in 12.0 ms for generation 1, app: this program
      port = 5432  (default)
      user = "shop"  (app.yaml:9:3)
      password = "***"
  filters: live(every(filter))
    filter/metrics  joins by itself, order 30, started in 0.0 ms for generation 1, app: this program
  nothing: optional(bus) → nothing
service/user  selected at app.yaml:5:3, started in 0.0 ms for generation 1, app: this program
  store: store
    store/postgres (above)`,
    );
  });
});

describe("what is shown of options", () => {
  it("hides what is called like a secret, at every depth", () => {
    const value = {
      user: "me",
      password: "x",
      tls: { privateKey: "y", cert: "z" },
      apiTokens: ["a"],
      maxTokens: 3,
      empty: { secret: "" },
    };
    assert.deepEqual(redacted("options", value, []), {
      user: "me",
      password: "***",
      tls: { privateKey: "***", cert: "z" },
      apiTokens: "***",
      maxTokens: 3,
      empty: { secret: "" },
    });
  });

  it("hides what the plugin declares, and passwords within addresses", () => {
    assert.deepEqual(
      redacted("o", { pin: 4711, url: "postgres://me:hunter2@db:5432/x", plain: "http://db:80/" }, ["pin"]),
      {
        pin: "***",
        url: "postgres://me:***@db:5432/x",
        plain: "http://db:80/",
      },
    );
    assert.deepEqual(redacted("urls", ["nats://a:b@c"], []), ["nats://a:***@c"]);
  });
});
