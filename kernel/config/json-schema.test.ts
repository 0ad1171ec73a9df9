// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of the configuration, not of this program
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { definePlugin, type Plugin } from "../core/plugin.ts";
import { defineSpi, type Spi, type SpiKind } from "../core/spi.ts";
import { loadBalancer } from "../spi/loadbalancer.ts";
import { configSchema } from "./json-schema.ts";

type Facts = Pick<Parameters<typeof definePlugin>[0], "policy" | "options">;

function made(spi: Spi<unknown>, name: string, facts: Facts = {}): Plugin {
  return definePlugin({ spi, name, description: `what ${name} does`, ...facts, setup: () => ({ api: undefined }) });
}

const spi = (id: string, kind: SpiKind) => defineSpi<unknown>(id, { kind });
const port = z.strictObject({
  port: z.int().min(0).default(0).describe("Where it listens"),
  tls: z.object({ cert: z.string() }).optional(),
  mode: z.enum(["fast", "safe"]).optional(),
});
const plugins = [
  made(spi("protocol", "named"), "grpc", { options: port }),
  made(loadBalancer as Spi<unknown>, "random"),
  made(loadBalancer as Spi<unknown>, "consistent-hash", { policy: { hashOn: z.array(z.string()) } }),
  made(spi("filter", "chain"), "tracing"),
];
const schema = configSchema(plugins);
const reader = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
const accepts = (yaml: string) => reader.safeParse(parse(yaml)).success;

describe("the JSON Schema of app files", () => {
  it("accepts what can be written", () => {
    assert.ok(
      accepts(`
app: shop
x-anchor: [1]
use: { protocol: [grpc], loadbalancer: random, filter: [tracing, default, -metrics], other: { a: b, c: d } }
options:
  protocol/grpc: { port: 80, tls: { cert: x } }
  protocol/grpc#second: { mode: fast }
services: [user, order]
plugins: { loadbalancer/mine: ./mine.ts }
policies:
  "*": { timeoutMs: 5, loadbalancer: consistent-hash, hashOn: [sku] }
  shop.order.v1.Orders/place: { retries: 0, unknownElsewhere: 1 }
`),
    );
  });

  it("knows what can be said of transactions", () => {
    assert.ok(accepts("transactions: { placeOrder: { strategy: saga, deadlineMs: 5 }, '*': { scheduleMs: [1, 2] } }"));
    assert.ok(accepts("transactions: { placeOrder: { strategy: '${S:-tcc}', deadlineMs: null } }"));
    for (const wrong of ["{ stratgy: saga }", "{ maxInFlight: 0 }", "{ scheduleMs: [] }", "{ strategy: [saga] }"])
      assert.ok(!accepts(`transactions: { placeOrder: ${wrong} }`), wrong);
    const installed = [...plugins, made(spi("transaction", "named"), "saga")];
    const strict = z.fromJSONSchema(configSchema(installed) as Parameters<typeof z.fromJSONSchema>[0]);
    const takes = (name: string) => strict.safeParse({ transactions: { placeOrder: { strategy: name } } }).success;
    assert.deepEqual(["saga", "sega", "${S}"].map(takes), [true, false, true]);
  });

  it("accepts overlays: parts, null, and variables for anything", () => {
    assert.ok(accepts("{}"));
    assert.ok(
      accepts(
        "use: { protocol: null, loadbalancer: '${LB:-random}' }\noptions: { protocol/grpc: { port: '${PORT}', tls: null, mode: '${MODE}' } }",
      ),
    );
    assert.ok(accepts("options: null\npolicies: { '*': { timeoutMs: '${T}' } }"));
  });

  it("refuses misspelt names and wrong types, so that the editor marks them", () => {
    for (const wrong of [
      "servces: [user]",
      "use: { loadbalancer: p2x }",
      "use: { loadbalancer: [random, p2x] }",
      "options: { protocol/grpc: { prt: 80 } }",
      "options: { protocol/grpc: { port: eighty } }",
      "options: { protocol/grpc#b: { mode: slow } }",
      "policies: { '*': { timeoutMs: fast } }",
      "policies: { '*': { loadbalancer: p2x } }",
    ]) {
      assert.ok(!accepts(wrong), wrong);
    }
  });

  it("describes plugins, options and fields", () => {
    const text = JSON.stringify(schema);
    for (const told of ["what consistent-hash does", "Where it listens", "when its caller sets no deadline"]) {
      assert.ok(text.includes(told), told);
    }
  });

  it("does not depend on the order of the plugins", () => {
    assert.deepEqual(configSchema(plugins.toReversed()), schema);
  });
});
