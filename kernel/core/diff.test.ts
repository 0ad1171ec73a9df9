import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import { diff } from "./diff.ts";
import { every, live, named, optional } from "./needs.ts";
import { bus, memory, nats, planned, plugin, postgres, service, type Use, wrapper } from "./plan.fixture.ts";
import type { Plugin } from "./plugin.ts";

const options = z.object({ port: z.number().default(0), at: z.date().optional() });
const open = plugin(bus, "open", {}, { options });

function changes(plugins: readonly Plugin[], from: Use, to: Use, before: object = {}, after: object = before) {
  const old = planned(plugins, from, { ...before });
  const { keep, start, end, endFirst, startLast } = diff(old.steps, planned(plugins, to, { ...after }));
  return { keep: [...keep], start, end, endFirst: [...endFirst], startLast: [...startLast] };
}

describe("the difference between what runs and a plan", () => {
  it("is nothing between equals", () => {
    const all = changes([open, nats], { bus: ["open", "nats"] }, { bus: ["open", "nats"] });
    assert.deepEqual(all, { keep: ["bus/open", "bus/nats"], start: [], end: [], endFirst: [], startLast: [] });
  });

  it("is nothing when options say the same in other words", () => {
    const { keep } = changes([open], { bus: "open" }, { bus: "open" }, { "bus/open": { port: 0 } }, {});
    assert.deepEqual(keep, ["bus/open"]);
    const dates = (at: number) => ({ "bus/open": { at: new Date(at) } });
    assert.deepEqual(changes([open], { bus: "open" }, { bus: "open" }, dates(1), dates(1)).keep, ["bus/open"]);
    assert.deepEqual(changes([open], { bus: "open" }, { bus: "open" }, dates(1), dates(2)).start, ["bus/open"]);
  });

  it("is a plugin with other options, and whoever stands on it", () => {
    const asker = plugin(service, "asker", { bus });
    const above = plugin(service, "above", { asker: named(service, "asker") });
    const aside = plugin(service, "aside", { bus: live(bus) });
    const use = { bus: "open", service: ["asker", "above", "aside"] };
    const { keep, start, end } = changes([open, asker, above, aside], use, use, {}, { "bus/open": { port: 1 } });
    assert.deepEqual(keep, ["service/aside"]);
    assert.deepEqual(start, ["bus/open", "service/asker", "service/above"]);
    assert.deepEqual(new Set(end), new Set(start));
  });

  it("is a plugin whose definition is another object", () => {
    const from = planned([nats], { bus: "nats" });
    assert.deepEqual(diff(from.steps, planned([plugin(bus, "nats")], { bus: "nats" })).start, ["bus/nats"]);
  });

  it("is a plugin that is given something else for a plain need", () => {
    const asker = plugin(service, "asker", { bus: optional(bus), all: every(bus) });
    const plugins = [asker, memory, nats];
    const restarted = (from: Use, to: Use) =>
      changes(plugins, { service: "asker", ...from }, { service: "asker", ...to }).start.includes("service/asker");
    assert.ok(restarted({ bus: "nats" }, { bus: "memory" }), "another");
    assert.ok(restarted({ bus: ["nats"] }, { bus: ["nats", "memory"] }), "one more");
    assert.ok(restarted({ bus: ["nats", "memory"] }, { bus: ["memory", "nats"] }), "another order");
    assert.ok(restarted({ bus: { a: "nats" } }, { bus: { b: "nats" } }), "another name");
    assert.ok(!restarted({ bus: "nats" }, { bus: ["nats"] }));
  });

  it("is a wrapper whose inside changes, but not the inside of a wrapper that changes", () => {
    const outer = wrapper(bus, "outer", 1);
    const use = { bus: ["open", "outer"] };
    assert.deepEqual(changes([open, outer], use, use, {}, { "bus/open": { port: 1 } }).start, [
      "bus/open",
      "bus/outer > bus/open",
    ]);
    assert.deepEqual(changes([open, outer], { bus: "open" }, use).keep, ["bus/open"]);
    assert.deepEqual(changes([open, outer], use, { bus: "open" }).end, ["bus/outer > bus/open"]);
  });
});

describe("an exclusive plugin", () => {
  const port = plugin(bus, "port", {}, { options, exclusive: (o: unknown) => (o as { port: number }).port !== 0 });
  const asker = plugin(service, "asker", { bus });
  const free = plugin(service, "free");
  const late = plugin(service, "late", { free: named(service, "free"), bus: live(bus) });
  const plugins = [port, nats, asker, free, late, postgres];
  const fixed = (number: number) => ({ "bus/port": { port: number } });

  it("ends before its successor starts, with all that stands on it; the rest starts before", () => {
    const use = { bus: "port", service: ["asker"] };
    const { endFirst, startLast, start } = changes(
      plugins,
      use,
      { bus: "port", service: ["asker", "free", "late"] },
      fixed(1),
      fixed(2),
    );
    assert.deepEqual(endFirst, ["bus/port", "service/asker"]);
    assert.deepEqual(new Set(startLast), new Set(["bus/port", "service/asker", "service/late"]));
    assert.ok(start.includes("service/free"));
  });

  it("has every new plugin of its SPI for a successor", () => {
    assert.deepEqual(changes(plugins, { bus: "port" }, { bus: "nats" }, fixed(1), {}).endFirst, ["bus/port"]);
  });

  it("ends like any other when nothing follows it, or its options make it a common one", () => {
    assert.deepEqual(
      changes(plugins, { bus: "port", store: "postgres" }, { store: "postgres" }, fixed(1), {}).endFirst,
      [],
    );
    assert.deepEqual(changes(plugins, { bus: "port" }, { bus: "port" }, fixed(0), fixed(2)).endFirst, []);
  });

  it("is not ended while it stays", () => {
    assert.deepEqual(changes(plugins, { bus: "port" }, { bus: ["port", "nats"] }, fixed(1)).endFirst, []);
  });
});
