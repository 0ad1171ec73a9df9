import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import type { Catalogue } from "./catalogue.ts";
import type { CoreConfig } from "./config.ts";
import { definitionsOf, pluginEntry } from "./definitions.ts";
import { live, named } from "./needs.ts";
import { all, bus, config, ids, nats, planned, plugin, postgres, problems, service, store } from "./plan.fixture.ts";
import { plan } from "./plan.ts";
import { defineSpi } from "./spi.ts";

describe("a plan refuses", () => {
  it("everything that is wrong at once", () => {
    const order = plugin(service, "order", { store, bus });
    const found = problems(
      [order, ...all],
      { service: ["order", "oder"], stroe: "postgres", bus: "natz" },
      { "store/postgres": {}, "bus/kafka": {} },
    );
    assert.deepEqual(found.map((text) => text.split(" ")[0] ?? "").sort(), [
      "NEED_UNMET",
      "OPTIONS_UNKNOWN",
      "PLUGIN_UNKNOWN",
      "PLUGIN_UNKNOWN",
      "SPI_UNKNOWN",
    ]);
  });

  it("a plugin nobody has, with the nearest name and the others", () => {
    assert.deepEqual(problems(all, { bus: "natz" }), [
      'PLUGIN_UNKNOWN use.bus: bus "natz" is not a plugin of this SPI. Did you mean nats? (memory, nats)',
    ]);
  });

  it("an SPI nobody has, with the nearest name", () => {
    assert.deepEqual(problems(all, { buss: "nats" }), [
      'SPI_UNKNOWN use.buss: "buss" is not an SPI of any installed plugin. Did you mean bus? (bus, store)',
    ]);
  });

  it("two plugins with one id, naming where both come from", () => {
    const catalogue: Catalogue = [pluginEntry(nats, "package", "nats-one"), pluginEntry(nats, "file", "./two.ts")];
    const loaded = new Map(catalogue.map((entry) => [entry, { plugin: nats }]));
    const [problem] = plan({ catalogue, loaded }, config({ bus: "nats" })).problems;
    assert.equal(problem?.code, "PLUGIN_DUPLICATE");
    assert.equal(
      problem?.message,
      "two plugins have the id bus/nats: one from nats-one, one from ./two.ts. Remove or rename one.",
    );
    assert.deepEqual(plan({ catalogue, loaded }, config({})).problems, [], "unused duplicates harm nobody");
  });

  it("two plugins where exactly one may serve", () => {
    assert.deepEqual(problems(all, { store: ["postgres", "embedded"] }), [
      "KIND_ONE use.store.1: exactly one plugin of store can serve, found 2: postgres, embedded. Keep one.",
    ]);
  });

  it("words of chain lists where there is no chain", () => {
    assert.match(
      problems(all, { bus: ["nats", "-memory"] })[0] ?? "",
      /^USE_INVALID use\.bus\.1: .*only the list of a chain/,
    );
    assert.match(problems(all, { bus: ["default"] })[0] ?? "", /^USE_INVALID use\.bus: .*of kind named/);
  });

  it("a need for which nothing is selected, with what could be", () => {
    assert.deepEqual(problems([plugin(service, "order", { store }), ...all], { service: "order" }), [
      "NEED_UNMET use.service: service/order needs store, but no plugin of store is selected. Select one (embedded, postgres): use: { store: … }.",
    ]);
  });

  it("a fallback that is not installed", () => {
    assert.match(
      problems([plugin(service, "order", { bus }), nats], { service: "order" })[0] ?? "",
      /^NEED_UNMET use\.service: .*its fallback bus\/memory is not installed/,
    );
  });

  it("a need by a name that is not selected, with the nearest alias", () => {
    const asker = plugin(service, "asker", { audit: named(bus, "audti") });
    assert.match(
      problems([asker, nats], { service: "asker", bus: { default: "nats", audit: "nats" } })[0] ?? "",
      /^NEED_UNMET .*bus "audti", which is not selected\. Did you mean audit\? \(audit, default\)/,
    );
  });

  it("no need for the second time when the selection of its SPI is what is wrong", () => {
    assert.equal(
      problems([plugin(service, "order", { store }), ...all], { service: "order", store: "postgers" }).length,
      1,
    );
  });

  it("needs in a circle, as a path people can follow", () => {
    const a = plugin(service, "a", { b: named(service, "b") });
    const b = plugin(service, "b", { c: named(service, "c") });
    const c = plugin(service, "c", { a: named(service, "a") });
    assert.deepEqual(problems([a, b, c], { service: ["a", "b", "c"] }), [
      "NEED_CYCLE use.service.0: plugins need each other in a circle: service/a → service/b → service/c → service/a. Make one of these needs live(…) to break it.",
    ]);
  });

  it("no circle that is closed by a live need", () => {
    const a = plugin(service, "a", { b: named(service, "b") });
    const b = plugin(service, "b", { a: live(named(service, "a")) });
    assert.deepEqual(ids(planned([a, b], { service: ["a", "b"] })), ["service/b", "service/a"]);
  });

  it("an SPI that two plugins take for different kinds", () => {
    const other = plugin(defineSpi<string>("bus", { kind: "one" }), "other");
    assert.match(
      problems([nats, other], { bus: ["nats", "other"] })[0] ?? "",
      /^SPI_CONFLICT use\.bus\.\d: bus\/\w+ from this program takes bus for an SPI of kind \w+, others for kind \w+/,
    );
  });
});

describe("a plan knows where it was written", () => {
  it("and falls back to the place around it", () => {
    const locate: CoreConfig["locate"] = (path) => {
      const line = { use: 1, "use/bus": 2, "options/bus/nats/port": 9 }[path.join("/")];
      return line === undefined ? undefined : { file: "app.yaml", line, column: 3 };
    };
    const open = plugin(bus, "nats", {}, { options: z.object({ port: z.number() }) });
    const result = plan(definitionsOf([open, plugin(service, "x", { store }), postgres]), {
      use: { bus: ["nats", "natz"], service: "x" },
      options: { "bus/nats": { port: "x" } },
      locate,
    });
    assert.deepEqual(
      result.problems.map(({ code, location }) => `${code} ${location?.line}`),
      ["PLUGIN_UNKNOWN 2", "OPTIONS_INVALID 9", "NEED_UNMET 1"],
    );
  });
});
