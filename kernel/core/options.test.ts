import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import { all, bus, config, memory, planned, plugin, problems, type Use } from "./plan.fixture.ts";
import { plan } from "./plan.ts";
import type { Schema } from "./schema.ts";

describe("a plan checks options", () => {
  const options = z.object({ port: z.number().int().default(1), tls: z.object({ cert: z.string() }).optional() });
  const open = plugin(bus, "nats", {}, { options });

  it("and completes and freezes them without touching what was written", () => {
    const raw = { port: 5, tls: { cert: "x" } };
    const made = planned([open], { bus: "nats" }, { "bus/nats": raw });
    const complete = made.steps.get("bus/nats")?.options as typeof raw | undefined;
    assert.deepEqual(complete, raw);
    assert.ok(Object.isFrozen(complete) && Object.isFrozen(complete?.tls));
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
