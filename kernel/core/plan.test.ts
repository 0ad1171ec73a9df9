import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import type { Catalogue } from "./catalogue.ts";
import type { CoreConfig, UseValue } from "./config.ts";
import { definitionsOf, pluginEntry } from "./definitions.ts";
import { derived, every, live, type Needs, named, optional } from "./needs.ts";
import { type Plan, plan } from "./plan.ts";
import { definePlugin, type Plugin } from "./plugin.ts";
import type { Schema } from "./schema.ts";
import { defineSpi, type Spi } from "./spi.ts";

const store = defineSpi<string>("store", { kind: "one" });
const bus = defineSpi<string>("bus", { kind: "named", fallback: "memory" });
const filter = defineSpi<string>("filter", { kind: "chain" });
const service = defineSpi<string>("service", { kind: "named" });

type Extras = Partial<Pick<Parameters<typeof definePlugin>[0], "activate" | "options" | "exclusive">>;

function plugin(spi: Spi<string>, name: string, needs: Needs = {}, extras: Extras = {}): Plugin {
  return definePlugin<string, Needs, unknown>({
    spi,
    name,
    description: "",
    needs,
    ...extras,
    setup: () => ({ api: name }),
  });
}

function wrapper(spi: Spi<string>, name: string, order: number, needs: Needs = {}): Plugin {
  return definePlugin<string, Needs, unknown>({
    spi,
    name,
    description: "",
    needs,
    wraps: true,
    order,
    setup: ({ inner }) => ({ api: `${name}(${inner})` }),
  });
}

const postgres = plugin(store, "postgres");
const embedded = plugin(store, "embedded");
const memory = plugin(bus, "memory");
const nats = plugin(bus, "nats");
const all = [postgres, embedded, memory, nats];

type Use = Readonly<Record<string, UseValue>>;

function config(use: Use, options: CoreConfig["options"] = {}): CoreConfig {
  return { use, options };
}

function planned(plugins: readonly Plugin[], use: Use, options?: CoreConfig["options"]): Plan {
  const { plan: made, problems } = plan(plugins, config(use, options));
  assert.deepEqual(problems, []);
  assert.ok(made);
  return made;
}

function problems(plugins: readonly Plugin[], use: Use, options?: CoreConfig["options"]): string[] {
  const result = plan(plugins, config(use, options));
  assert.equal(result.plan, undefined);
  return result.problems.map(({ code, message, path }) => `${code} ${path.join(".")}: ${message}`);
}

const ids = ({ steps }: Plan) => [...steps.keys()];
const given = ({ steps }: Plan, id: string, need: string) =>
  steps.get(id)?.needs[need]?.providers.map(({ alias, step }) => `${alias}=${step}`);
const why = ({ steps }: Plan, id: string) => steps.get(id)?.why;

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

describe("a plan refuses", () => {
  it("everything that is wrong at once", () => {
    const order = plugin(service, "order", { store, bus });
    const found = problems(
      [order, ...all],
      { service: ["order", "oder"], stroe: "postgres", bus: "natz" },
      { "store/postgres": {}, "bus/kafka": {} },
    );
    assert.deepEqual(found.map((text) => text.split(" ")[0]).sort(), [
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

describe("a plan checks options", () => {
  const options = z.object({ port: z.number().int().default(1), tls: z.object({ cert: z.string() }).optional() });
  const open = plugin(bus, "nats", {}, { options });

  it("and completes and freezes them without touching what was written", () => {
    const raw = { port: 5, tls: { cert: "x" } };
    const made = planned([open], { bus: "nats" }, { "bus/nats": raw });
    const step = made.steps.get("bus/nats");
    assert.deepEqual(step?.options, raw);
    const { tls } = step?.options as typeof raw;
    assert.ok(Object.isFrozen(step?.options) && Object.isFrozen(tls));
    assert.ok(!Object.isFrozen(raw) && !Object.isFrozen(raw.tls));
    assert.deepEqual(planned([open], { bus: "nats" }, { "bus/nats": null }).steps.get("bus/nats")?.options, {
      port: 1,
    });
  });

  it("reporting each wrong value with its path", () => {
    assert.deepEqual(problems([open], { bus: "nats" }, { "bus/nats": { port: "x", tls: { cert: 1 } } }), [
      'OPTIONS_INVALID options.bus/nats.port: bus/nats: option "port": Invalid input: expected number, received string',
      'OPTIONS_INVALID options.bus/nats.tls.cert: bus/nats: option "tls.cert": Invalid input: expected string, received number',
    ]);
    assert.match(
      problems([open], { bus: "nats" }, { "bus/nats": 7 })[0] ?? "",
      /^OPTIONS_INVALID options\.bus\/nats: bus\/nats: options: .*expected object/,
    );
  });

  it("reporting misspelt names at every depth, once, however strict the schema is", () => {
    const expected = [
      'OPTION_UNKNOWN options.bus/nats.prot: bus/nats: unknown option "prot". Did you mean port? (port, tls)',
      'OPTION_UNKNOWN options.bus/nats.tls.crt: bus/nats: unknown option "tls.crt". Did you mean cert? (cert)',
    ];
    const raw = { "bus/nats": { prot: 5, tls: { cert: "", crt: "x" } } };
    assert.deepEqual(problems([open], { bus: "nats" }, raw), expected);
    const strict = plugin(
      bus,
      "nats",
      {},
      { options: z.strictObject({ port: z.number().optional(), tls: z.strictObject({ cert: z.string() }) }) },
    );
    assert.deepEqual(problems([strict], { bus: "nats" }, raw).sort(), expected);
  });

  it("believing a schema that is open on purpose", () => {
    const loose = plugin(bus, "nats", {}, { options: z.looseObject({ port: z.number().optional() }) });
    assert.deepEqual(planned([loose], { bus: "nats" }, { "bus/nats": { prot: 5 } }).steps.get("bus/nats")?.options, {
      prot: 5,
    });
  });

  it("with any Standard Schema, and hints from its issues alone", () => {
    const own: Schema<unknown> = {
      "~standard": {
        version: 1,
        vendor: "own",
        validate: () => ({ issues: [{ message: "too loud", path: [{ key: "sound" }, "volume"] }] }),
      },
    };
    assert.deepEqual(problems([plugin(bus, "nats", {}, { options: own })], { bus: "nats" }), [
      'OPTIONS_INVALID options.bus/nats.sound.volume: bus/nats: option "sound.volume": too loud',
    ]);
  });

  it("refusing a schema that answers later or throws", () => {
    const schema = (validate: () => never): Schema<unknown> => ({
      "~standard": { version: 1, vendor: "own", validate },
    });
    const later = plugin(bus, "nats", {}, { options: schema(() => Promise.resolve({ value: 1 }) as never) });
    assert.match(problems([later], { bus: "nats" })[0] ?? "", /^OPTIONS_ASYNC options\.bus\/nats/);
    const broken = plugin(
      bus,
      "nats",
      {},
      {
        options: schema(() => {
          throw new Error("no rules");
        }),
      },
    );
    assert.match(problems([broken], { bus: "nats" })[0] ?? "", /^OPTIONS_INVALID .*its schema failed: no rules/);
  });

  it("refusing any for a plugin that takes none", () => {
    assert.match(
      problems(all, { bus: "nats" }, { "bus/nats": { port: 1 } })[0] ?? "",
      /^OPTIONS_NOT_TAKEN options\.bus\/nats: bus\/nats takes no options/,
    );
    planned(all, { bus: "nats" }, { "bus/nats": {} });
  });

  it("refusing a key that can belong to no plugin, with the nearest one", () => {
    assert.match(
      problems(all, {}, { "bus/natz": {} })[0] ?? "",
      /^OPTIONS_UNKNOWN options\.bus\/natz: .*Did you mean bus\/nats\?/,
    );
    assert.match(problems(all, {}, { nats: {} })[0] ?? "", /Known: bus\/nats\./);
  });

  it("warning of options without effect, so that a line can be swapped and swapped back", () => {
    const warnings = (use: Use, key: string) =>
      plan([open, memory], config(use, { [key]: {} })).warnings.map(({ code, message }) => `${code} ${message}`);
    assert.deepEqual(warnings({ bus: "memory" }, "bus/nats"), [
      "OPTIONS_UNUSED options for bus/nats have no effect: bus/nats is not selected.",
    ]);
    assert.deepEqual(warnings({ bus: { default: "nats", audit: "nats" } }, "bus/nats#audti"), [
      "OPTIONS_UNUSED options for bus/nats#audti have no effect: no bus/nats has the alias audti. Did you mean bus/nats#audit?",
    ]);
    assert.deepEqual(warnings({ bus: "nats" }, "bus/nats"), []);
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
