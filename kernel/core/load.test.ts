import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CatalogueEntry } from "./catalogue.ts";
import { loadUsed } from "./load.ts";
import { every } from "./needs.ts";
import { bus, config, filter, nats, plugin, postgres, service, store } from "./plan.fixture.ts";
import { plan } from "./plan.ts";
import type { Plugin } from "./plugin.ts";
import { moduleEntry } from "./sources.ts";

function shop() {
  const loaded: string[] = [];
  const entry = (id: string, give: () => unknown): CatalogueEntry =>
    moduleEntry(id, "built-in", `plugins/${id}.ts`, async () => {
      loaded.push(id);
      return give();
    });
  const of = (one: Plugin) => entry(one.id, () => ({ one }));
  const catalogue = [
    of(plugin(service, "order", { bus, filters: every(filter) })),
    of(plugin(service, "idle")),
    of(plugin(bus, "memory", { store })),
    of(nats),
    of(postgres),
    of(plugin(filter, "metrics", {}, { activate: { order: 1 } })),
    of(plugin(filter, "auth")),
    entry("service/broken", () => {
      throw new Error("no such thing\nand more");
    }),
    entry("service/empty", () => ({ helper: () => 1 })),
    entry("service/other", () => ({ other: plugin(service, "another") })),
    entry("service/pair", () => ({ a: plugin(service, "pair"), b: plugin(service, "pair") })),
  ];
  return { catalogue, loaded };
}

describe("loading", () => {
  it("loads what is used and what that needs, through fallbacks, and nothing else", async () => {
    const { catalogue, loaded } = shop();
    const used = config({ service: "order", store: "postgres", filter: ["auth", "-default"] });
    assert.deepEqual(plan(await loadUsed(catalogue, used), used).problems, []);
    assert.deepEqual(loaded.sort(), ["bus/memory", "filter/auth", "service/order", "store/postgres"]);
  });

  it("loads each plugin of a chain whose default set serves, but none that is removed", async () => {
    const { catalogue, loaded } = shop();
    await loadUsed(catalogue, config({ filter: ["default", "-auth"] }));
    assert.deepEqual(loaded, ["filter/metrics"]);
    loaded.length = 0;
    await loadUsed(catalogue, config({ service: "order" }));
    assert.ok(loaded.includes("filter/auth") && loaded.includes("filter/metrics"));
  });

  it("loads the plugins of an SPI when a list of words alone does not tell its kind", async () => {
    const { catalogue } = shop();
    const used = config({ bus: ["-nats"] });
    assert.equal(plan(await loadUsed(catalogue, used), used).problems[0]?.code, "USE_INVALID");
  });

  it("turns modules that cannot be loaded into problems that name them", async () => {
    const { catalogue } = shop();
    const used = config({ service: ["broken", "empty", "other", "pair", "order"], store: "postgres" });
    const { problems } = plan(await loadUsed(catalogue, used), used);
    const texts = problems.map(({ code, message, path }) => `${code} ${path.join(".")} ${message}`);
    assert.match(
      texts[0] ?? "",
      /^PLUGIN_UNLOADABLE use\.service\.0 service\/broken cannot be loaded from plugins\/service\/broken\.ts: no such thing( \(.*\))?$/,
    );
    assert.match(
      texts[1] ?? "",
      /^PLUGIN_MISMATCH use\.service\.1 plugins\/service\/empty\.ts exports no plugin service\/empty\.$/,
    );
    assert.match(
      texts[2] ?? "",
      /^PLUGIN_MISMATCH use\.service\.2 .*exports no plugin service\/other\. Did you mean service\/another\?/,
    );
    assert.match(
      texts[3] ?? "",
      /^PLUGIN_MISMATCH use\.service\.3 .*exports 2 plugins \(service\/pair, service\/pair\), expected one\./,
    );
    assert.equal(texts.length, 4);
  });

  it("refuses an entry that gives another plugin than it says", async () => {
    const entry: CatalogueEntry = { id: "bus/other", source: "app", from: "here", load: async () => nats };
    const used = config({ bus: "other" });
    const [problem] = plan(await loadUsed([entry], used), used).problems;
    assert.equal(problem?.message, "here is listed as bus/other, but the plugin it exports is bus/nats.");
  });
});
