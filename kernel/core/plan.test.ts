import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import { derived, every, live, named, optional } from "./needs.ts";
import {
  all,
  bus,
  filter,
  given,
  ids,
  memory,
  nats,
  planned,
  plugin,
  postgres,
  problems,
  service,
  store,
  type Use,
  why,
  wrapper,
} from "./plan.fixture.ts";

describe("a plan selects", () => {
  it("what the configuration names, needs before askers", () => {
    const order = plugin(service, "order", { store, bus });
    const made = planned([order, ...all], { service: "order", store: "postgres", bus: ["nats", "memory"] });
    assert.deepEqual(ids(made), ["store/postgres", "bus/nats", "service/order", "bus/memory"]);
    assert.deepEqual(given(made, "service/order", "bus"), ["nats=bus/nats"]);
  });

  it("the fallback of an SPI that somebody needs and nobody selected, and what that needs", () => {
    const order = plugin(service, "order", { bus });
    const needy = plugin(bus, "memory", { store });
    const made = planned([order, needy, postgres], { service: "order", store: "postgres" });
    assert.deepEqual(ids(made), ["store/postgres", "bus/memory", "service/order"]);
    assert.deepEqual(why(made, "bus/memory"), { by: "fallback", neededBy: "service/order" });
  });

  it("the fallback for a need of every plugin, of a live one, of a derived one, and of the fallback by name", () => {
    for (const need of [every(bus), live(bus), live(every(bus)), derived(bus, (api) => api), named(bus, "memory")]) {
      const made = planned([plugin(service, "order", { need }), memory], { service: "order" });
      assert.deepEqual(given(made, "service/order", "need"), ["memory=bus/memory"]);
    }
  });

  it("no fallback for an optional need, which takes what others brought about", () => {
    const asker = plugin(service, "asker", { maybe: optional(bus) });
    const needer = plugin(service, "needer", { bus });
    assert.deepEqual(ids(planned([asker, memory], { service: "asker" })), ["service/asker"]);
    const made = planned([asker, needer, memory], { service: ["asker", "needer"] });
    assert.deepEqual(given(made, "service/asker", "maybe"), ["memory=bus/memory"]);
  });

  it("no fallback where the configuration selects something else", () => {
    const made = planned([plugin(service, "order", { bus }), memory, nats], { service: "order", bus: "nats" });
    assert.deepEqual(ids(made), ["bus/nats", "service/order"]);
  });

  it("one plugin twice under two names, with options of its own for each", () => {
    const open = plugin(bus, "nats", {}, { options: z.object({ url: z.string().default("local") }) });
    const asker = plugin(service, "asker", { audit: named(bus, "audit"), first: bus, all: every(bus) });
    const use = { bus: { default: "nats", audit: "nats" }, service: "asker" };
    const made = planned([open, asker], use, { "bus/nats#audit": { url: "far" } });
    assert.deepEqual(given(made, "service/asker", "audit"), ["audit=bus/nats#audit"]);
    assert.deepEqual(given(made, "service/asker", "first"), ["default=bus/nats"]);
    assert.deepEqual(given(made, "service/asker", "all"), ["default=bus/nats", "audit=bus/nats#audit"]);
    assert.deepEqual(
      [...made.steps.values()].map(({ options }) => options),
      [{ url: "local" }, { url: "far" }, {}],
    );
  });

  it("by name what has only an alias, too", () => {
    const asker = plugin(service, "asker", { need: named(bus, "nats") });
    const made = planned([nats, asker], { bus: { default: "nats" }, service: "asker" });
    assert.deepEqual(given(made, "service/asker", "need"), ["default=bus/nats"]);
  });

  it("for a plugin that asks for every plugin of its own SPI the others", () => {
    const multi = plugin(bus, "multi", { others: every(bus) });
    assert.deepEqual(given(planned([multi, nats], { bus: ["multi", "nats"] }), "bus/multi", "others"), [
      "nats=bus/nats",
    ]);
  });
});

describe("a plan of a chain", () => {
  const tracing = plugin(filter, "tracing", {}, { activate: { order: 10 } });
  const metrics = plugin(filter, "metrics", {}, { activate: { order: 20 } });
  const auth = plugin(filter, "auth");
  const audit = plugin(filter, "audit", {}, { activate: { order: 15, whenUsed: [bus] } });
  const server = plugin(service, "server", { filters: every(filter) });
  const plugins = [tracing, metrics, auth, audit, server, memory];

  const chainOf = (use: Use) =>
    given(planned(plugins, { service: "server", ...use }), "service/server", "filters")?.map(
      (text) => text.split("=")[0],
    );

  it("that nobody lists is the default set", () => assert.deepEqual(chainOf({}), ["tracing", "metrics"]));

  it("reads its list as Dubbo does", () => {
    assert.deepEqual(chainOf({ filter: ["auth", "default"] }), ["auth", "tracing", "metrics"]);
    assert.deepEqual(chainOf({ filter: ["metrics", "default"] }), ["metrics", "tracing"]);
    assert.deepEqual(chainOf({ filter: ["default", "-metrics", "auth"] }), ["tracing", "auth"]);
    assert.deepEqual(chainOf({ filter: "auth" }), ["auth", "tracing", "metrics"]);
    assert.deepEqual(chainOf({ filter: ["metrics", "-default", "auth"] }), ["metrics", "auth"]);
    assert.deepEqual(chainOf({ filter: [] }), ["tracing", "metrics"]);
  });

  it("takes in a conditional plugin only when all it wants is used", () => {
    assert.deepEqual(chainOf({ bus: "memory" }), ["tracing", "audit", "metrics"]);
  });

  it("says of each plugin why it is there", () => {
    const made = planned(plugins, { service: "server", filter: ["auth", "default"] });
    assert.deepEqual(why(made, "filter/auth"), { by: "config" });
    assert.deepEqual(why(made, "filter/metrics"), { by: "activation", order: 20 });
  });

  it("refuses names with a minus that nobody has", () => {
    assert.deepEqual(problems(plugins, { service: "server", filter: ["default", "-metrisc"] }), [
      'PLUGIN_UNKNOWN use.filter.1: filter "-metrisc": there is no such plugin. Did you mean metrics? (audit, auth, metrics, tracing)',
    ]);
  });

  it("refuses a need for one of it that names none", () => {
    assert.match(
      problems([plugin(service, "x", { filter }), auth], { service: "x" })[0] ?? "",
      /^NEED_KIND use\.service: service\/x asks for filter, but filter is a chain.*every\(filter\)/,
    );
  });

  it("refuses an alias that is the name of a plugin that joins by itself", () => {
    assert.match(
      problems(plugins, { filter: { metrics: "auth" } })[0] ?? "",
      /^LIST_CONTRADICTORY use\.filter\.metrics/,
    );
  });
});

describe("a plan with wrappers", () => {
  const outer = wrapper(bus, "outer", 1);
  const inner = wrapper(bus, "inner", 2, { store });
  const asker = plugin(service, "asker", { bus, all: every(bus) });

  it("puts each in front of every plugin of the SPI, the lowest order outermost", () => {
    const made = planned([outer, inner, nats, memory, asker, postgres], {
      bus: ["inner", "nats", "outer", "memory"],
      store: "postgres",
      service: "asker",
    });
    assert.deepEqual(given(made, "service/asker", "all"), [
      "nats=bus/outer > bus/inner > bus/nats",
      "memory=bus/outer > bus/inner > bus/memory",
    ]);
    assert.deepEqual(made.steps.get("bus/outer > bus/inner > bus/nats")?.inner, {
      step: "bus/inner > bus/nats",
      name: "nats",
    });
    const order = ids(made);
    assert.ok(order.indexOf("bus/nats") < order.indexOf("bus/inner > bus/nats"));
    assert.ok(order.indexOf("store/postgres") < order.indexOf("bus/inner > bus/nats"));
  });

  it("wraps the fallback when only wrappers are listed", () => {
    assert.deepEqual(ids(planned([outer, memory], { bus: "outer" })), ["bus/memory", "bus/outer > bus/memory"]);
  });

  it("does not count wrappers where exactly one may serve", () => {
    const made = planned([wrapper(store, "replicas", 1), postgres], { store: ["postgres", "replicas"] });
    assert.deepEqual(ids(made), ["store/postgres", "store/replicas > store/postgres"]);
  });

  it("refuses wrappers with nothing to wrap", () => {
    assert.match(
      problems([wrapper(store, "replicas", 1), postgres], { store: "replicas" })[0] ?? "",
      /^NEED_UNMET use\.store: store\/replicas wraps a plugin of store/,
    );
  });
});
