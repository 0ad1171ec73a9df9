import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import { message, rpc, service, string, topic } from "../contract/index.ts";
import { pluginEntry } from "../core/definitions.ts";
import { definePlugin, type Plugin } from "../core/plugin.ts";
import { formatProblem } from "../core/problems.ts";
import type { Schema } from "../core/schema.ts";
import type { Spi } from "../core/spi.ts";
import type { PolicyTable } from "../runtime/policy.ts";
import { defineService } from "../spi/define-service.ts";
import { filter } from "../spi/filter.ts";
import { loadBalancer } from "../spi/loadbalancer.ts";
import { client, publisher } from "../spi/runtime.ts";
import { withChosen } from "./chosen.ts";
import { checkPolicies } from "./policies.ts";

function made(spi: Spi<never>, name: string, policy: Readonly<Record<string, Schema>> = {}): Plugin {
  return definePlugin({ spi, name, description: name, policy, setup: () => ({ api: undefined as never }) });
}

const random = made(loadBalancer as Spi<never>, "random");
const hashing = made(loadBalancer as Spi<never>, "consistent-hash", { hashOn: z.array(z.string()) });
const limit = made(filter as Spi<never>, "limit", { perSecond: z.int().positive() });
const all = [random, hashing, limit];
const catalogue = all.map((plugin) => pluginEntry(plugin));

function check(policies: PolicyTable, used: readonly Plugin[] = all, elsewhere: readonly Plugin[] = []) {
  const use = withChosen({}, policies, catalogue);
  const { problems, warnings } = checkPolicies(policies, {
    used,
    elsewhere,
    installed: all,
    catalogue,
    config: { use, options: {} },
  });
  return { problems: problems.map(formatProblem), warnings: warnings.map(formatProblem) };
}

describe("plugins that policies choose", () => {
  const choose = { "*": { loadbalancer: "consistent-hash" } };

  it("are added after the default, whatever form it has", () => {
    assert.deepEqual(withChosen({}, choose, catalogue), { loadbalancer: ["random", "consistent-hash"] });
    assert.deepEqual(withChosen({ loadbalancer: "random" }, choose, catalogue), {
      loadbalancer: ["random", "consistent-hash"],
    });
    assert.deepEqual(withChosen({ loadbalancer: ["random"] }, choose, catalogue), {
      loadbalancer: ["random", "consistent-hash"],
    });
    assert.deepEqual(withChosen({ loadbalancer: { quick: "random" } }, choose, catalogue), {
      loadbalancer: { quick: "random", "consistent-hash": "consistent-hash" },
    });
  });

  it("are not added when they are listed, by name or alias, or are the fallback, or do not exist", () => {
    for (const use of [{ loadbalancer: "consistent-hash" }, { loadbalancer: { a: "random", b: "consistent-hash" } }]) {
      assert.deepEqual(withChosen(use, choose, catalogue), use);
    }
    assert.deepEqual(withChosen({}, { "*": { loadbalancer: "random" } }, catalogue), {});
    assert.deepEqual(withChosen({}, { "*": { loadbalancer: "p2x" } }, catalogue), {});
    const aliased = { loadbalancer: { slow: "random" } };
    assert.deepEqual(withChosen(aliased, { "*": { loadbalancer: "slow" } }, catalogue), aliased);
  });
});

describe("policies", () => {
  it("may hold the fields of every method and of the plugins in use", () => {
    const policies = {
      "*": { timeoutMs: 5, retries: 0, loadbalancer: "consistent-hash", hashOn: ["sku"], perSecond: 3 },
    };
    assert.deepEqual(check(policies), { problems: [], warnings: [] });
  });

  it("are refused with unknown fields, wrong values and plugins that do not exist", () => {
    const { problems } = check({
      "*": { timeoutMs: "fast", retries: -1 },
      "shop.v1.Stock": { hashon: ["sku"], loadbalancer: "consistent-hsh", cluster: 3, perSecond: 1.5 },
    });
    assert.equal(problems.length, 6, problems.join("\n"));
    assert.match(problems[0] ?? "", /^policies\.\*\.timeoutMs {2}policy for \*: timeoutMs: .*number/);
    assert.match(problems[1] ?? "", /policy for \*: retries: /);
    assert.match(problems[2] ?? "", /policy for shop\.v1\.Stock: unknown field "hashon"\. Did you mean hashOn\?/);
    assert.match(
      problems[3] ?? "",
      /loadbalancer "consistent-hsh" is not a plugin of this SPI\. Did you mean consistent-hash\?/,
    );
    assert.match(problems[4] ?? "", /cluster takes the name of a plugin/);
    assert.match(problems[5] ?? "", /perSecond: /);
  });

  it("keep fields of plugins that are installed but not selected, with a warning, so that a swap back is one line", () => {
    const { problems, warnings } = check({ "*": { hashOn: ["sku"] } }, [random]);
    assert.deepEqual(problems, []);
    assert.deepEqual(warnings, [
      "policies.*.hashOn  policy for *: hashOn has no effect: loadbalancer/consistent-hash is not selected.",
    ]);
  });
});

describe("targets of policies", () => {
  const Line = message("shop.v1.Line", { sku: string(1) });
  const Stock = service("shop.v1.Stock", { getStock: rpc(Line, Line), watch: rpc(Line, Line) });
  const Prices = service("shop.v1.Prices", { quote: rpc(Line, Line) });
  const Sold = topic("shop.v1.Sold", Line);
  const stock = defineService(Stock, {
    description: "Stock",
    needs: { prices: client(Prices), sold: publisher(Sold) },
    setup: () => ({ handlers: { getStock: (line) => line, watch: (line) => line } }),
  });
  const told = (target: string) => {
    const { problems, warnings } = check({ [target]: { retries: 0 } }, [...all, stock]);
    return [...problems, ...warnings].map((line) => line.slice(line.indexOf("  ") + 2));
  };

  it("may be services, methods and topics the app knows, patterns, and services it has never heard of", () => {
    for (const known of ["*", "shop.*", "shop.v1.Stock", "shop.v1.Stock/getStock", "shop.v1.Stock/GetStock"]) {
      assert.deepEqual(told(known), []);
    }
    for (const known of ["shop.v1.Prices/quote", "shop.v1.Sold", "elsewhere.v1.Reports/run"])
      assert.deepEqual(told(known), []);
  });

  it("may be services of the app that run in other processes", () => {
    const target = "shop.v1.Prices";
    const sales = defineService(service("shop.v1.Price", {}), { description: "", setup: () => ({ handlers: {} }) });
    const prices = defineService(Prices, { description: "", setup: () => ({ handlers: { quote: (line) => line } }) });
    assert.equal(check({ [target]: { retries: 0 } }, [...all, sales]).warnings.length, 1);
    assert.deepEqual(check({ [target]: { retries: 0 } }, [...all, sales], [prices]).warnings, []);
  });

  it("are refused when the service has no such method, and doubted when they are nearly the name of a service", () => {
    assert.deepEqual(told("shop.v1.Stock/getStok"), [
      'shop.v1.Stock has no method "getStok". Did you mean getStock? (getStock, watch)',
    ]);
    assert.deepEqual(told("shop.v1.Stok"), ["no service here is called shop.v1.Stok. Did you mean shop.v1.Stock?"]);
  });
});
