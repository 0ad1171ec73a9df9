import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { circles } from "./cycles.ts";
import { importsOf, usesOf } from "./imports.ts";
import { forbidden, resolveSource, type Workspace } from "./layers.ts";

const workspaces: Workspace[] = [
  {
    name: "@mortise/kernel",
    folder: "kernel",
    sources: {
      ".": "./index.ts",
      "./contract": "./contract/index.ts",
      "./testing": "./testing/index.ts",
      "./spi/*": "./spi/*.ts",
    },
    dependencies: ["yaml"],
  },
  { name: "@mortise/plugins", folder: "plugins", sources: { "./*": "./*.ts" }, dependencies: ["nats"] },
  { name: "@mortise/proto", folder: "proto", sources: { "./*": "./*.ts" }, dependencies: [] },
  { name: "@mortise/shop", folder: "apps/shop", sources: {}, dependencies: ["hono"] },
];

function refused(file: string, ...specifiers: string[]): string[] {
  return forbidden(
    file,
    specifiers.map((specifier) => ({ specifier, typeOnly: false, lazy: false })),
    workspaces,
  );
}

describe("imports", () => {
  it("are found in every form", () => {
    const text = `
      import a from "a"; import type { B } from "b"; import { type C } from "c"; import "d";
      export * from "e"; export type { F } from "f"; export { G } from "g";
      const h = await import("h"); type I = import("i").I; const s = 'import "no"'; // import "no"
    `;
    assert.deepEqual(
      importsOf("x.ts", text).map(
        ({ specifier, typeOnly, lazy }) => `${specifier}${typeOnly ? " type" : ""}${lazy ? " lazy" : ""}`,
      ),
      ["a", "b type", "c", "d", "e", "f type", "g", "h lazy", "i type"],
    );
  });

  it("are resolved to sources by path and by package", () => {
    assert.equal(resolveSource("kernel/core/a.ts", "../call/b.ts", workspaces), "kernel/call/b.ts");
    assert.equal(resolveSource("proto/a.ts", "@mortise/kernel/contract", workspaces), "kernel/contract/index.ts");
    assert.equal(resolveSource("x.ts", "@mortise/plugins/bus/nats/nats", workspaces), "plugins/bus/nats/nats.ts");
    assert.equal(
      resolveSource("x.ts", "@mortise/kernel/core/kernel", workspaces),
      "kernel does not export ./core/kernel",
    );
    assert.equal(resolveSource("x.ts", "yaml", workspaces), undefined);
  });
});

describe("the folder rule", () => {
  it("lets each folder reach what stands below it", () => {
    assert.deepEqual(refused("kernel/core/plan.ts", "node:fs", "./config.ts"), []);
    assert.deepEqual(refused("kernel/config/a.ts", "../core/config.ts", "yaml"), []);
    assert.deepEqual(refused("plugins/bus/nats/nats.ts", "@mortise/kernel", "./lib/x.ts", "nats"), []);
    assert.deepEqual(
      refused(
        "plugins/bus/nats/nats.test.ts",
        "@mortise/kernel/testing",
        "@mortise/kernel/spi/bus.conformance",
        "fast-check",
      ),
      [],
    );
    assert.deepEqual(refused("proto/shop/order.ts", "@mortise/kernel/contract", "./common.ts"), []);
    assert.deepEqual(
      refused(
        "apps/shop/order/order.ts",
        "@mortise/kernel",
        "@mortise/proto/shop/order",
        "./book.ts",
        "../shared/clock.ts",
        "hono",
      ),
      [],
    );
  });

  it("stops what reaches up, sideways or past a door", () => {
    const cases: readonly (readonly [file: string, specifier: string])[] = [
      ["kernel/core/plan.ts", "../call/call.ts"],
      ["kernel/core/plan.ts", "yaml"],
      ["kernel/call/call.ts", "../spi/filter.ts"],
      ["kernel/runtime/a.ts", "../cli/main.ts"],
      ["kernel/config/a.ts", "@mortise/plugins/bus/nats/nats"],
      ["kernel/config/a.ts", "nats"],
      ["plugins/bus/nats/nats.ts", "../memory/memory.ts"],
      ["plugins/bus/nats/nats.ts", "../../../kernel/core/kernel.ts"],
      ["plugins/bus/nats/nats.ts", "../../../kernel/index.ts"],
      ["plugins/bus/nats/nats.ts", "@mortise/kernel/testing"],
      ["plugins/bus/nats/nats.ts", "hono"],
      ["telemetry/otel/otel.ts", "../memory/memory.ts"],
      ["proto/shop/order.ts", "@mortise/kernel"],
      ["apps/shop/order/order.ts", "@mortise/plugins/bus/nats/nats"],
      ["apps/shop/order/order.ts", "../payment/ledger.ts"],
      ["scripts/check.ts", "../apps/shop/order/order.ts"],
      ["elsewhere/a.ts", "node:fs"],
    ];
    for (const [file, specifier] of cases)
      assert.equal(refused(file, specifier).length, 1, `${file} imports ${specifier}`);
  });
});

describe("effects", () => {
  const names = new Set(["Date.now", "setTimeout", "new Date()", "randomUUID"]);
  const found = (text: string) => usesOf("x.ts", text, names).map(({ name }) => name);

  it("are found called, handed on, imported and through globalThis", () => {
    assert.deepEqual(found("const now = Date.now; globalThis.setTimeout(f, 1); run(setTimeout);"), [
      "Date.now",
      "setTimeout",
      "setTimeout",
    ]);
    assert.deepEqual(found('import { randomUUID as id } from "node:crypto";'), ["randomUUID"]);
    assert.deepEqual(found("new Date();"), ["new Date()"]);
  });

  it("are not seen in names, properties, texts and dates of a given time", () => {
    assert.deepEqual(
      found('ports.setTimeout(f); const x = { setTimeout: 1 }; new Date(5); "Date.now()"; // Date.now()'),
      [],
    );
  });
});

describe("circles", () => {
  it("are found wherever an import leads back", () => {
    const graph = new Map([
      ["a", ["b"]],
      ["b", ["c"]],
      ["c", ["a"]],
      ["d", ["a"]],
      ["e", ["e"]],
    ]);
    assert.deepEqual(circles(graph), [["a", "b", "c"], ["e"]]);
  });

  it("are none where every import leads to something earlier", () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.nat(20), { maxLength: 4 }), { maxLength: 20 }), (edges) => {
        const graph = new Map(edges.map((to, i) => [`${i}`, to.filter((j) => j < i).map(String)]));
        assert.deepEqual(circles(graph), []);
      }),
    );
  });
});
