import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { MethodKind } from "../contract/types.ts";
import type { CoreConfig } from "../core/config.ts";
import { every } from "../core/needs.ts";
import { plan } from "../core/plan.ts";
import { definePlugin, type Plugin } from "../core/plugin.ts";
import { formatProblem } from "../core/problems.ts";
import { defineService } from "../spi/define-service.ts";
import { protocol } from "../spi/protocol.ts";
import { registry } from "../spi/registry.ts";
import { client } from "../spi/runtime.ts";
import { serializer } from "../spi/serializer.ts";
import { Echo } from "../testing/echo-contract.ts";
import { Sample } from "../testing/samples.ts";
import { basicPlugins, echoService, surroundings } from "../testing/test-app.ts";
import { appCodes, checkApp } from "./check-app.ts";
import type { PolicyTable } from "./policy.ts";
import { runtimePlugins } from "./runtime-plugins.ts";

const carrying = (name: string, kinds?: readonly MethodKind[], serializers?: object): Plugin =>
  definePlugin({
    spi: protocol,
    name,
    description: name,
    ...(kinds && { facts: { kinds, ...(serializers && { serializers }) } }),
    setup: () => assert.fail("nothing runs"),
  });

const simple: readonly MethodKind[] = ["unary", "server-stream"];
const all: readonly MethodKind[] = [...simple, "client-stream", "bidi-stream"];
const protocols = [carrying("rest", simple), carrying("full", all), carrying("secret")];
const picky = carrying("picky", all, { only: ["json"], reason: "people read it" });
const strict: Plugin = definePlugin({
  spi: protocol,
  name: "strict",
  description: "strict",
  facts: {
    kinds: all,
    clash: (methods: readonly unknown[]) => (methods.length > 9 ? "A and B are the same" : undefined),
  },
  setup: () => assert.fail("nothing runs"),
});
const json: Plugin = definePlugin({
  spi: serializer,
  name: "json",
  description: "json",
  setup: () => assert.fail("nothing runs"),
});

function check(
  use: CoreConfig["use"],
  policies: PolicyTable = {},
  services: readonly Plugin[] = [echoService()],
  names = services.map(({ name }) => name),
) {
  const plugins = [...protocols, picky, strict, json, ...services, ...basicPlugins(surroundings()), ...runtimePlugins];
  const config: CoreConfig = {
    use: { service: names, server: "runtime", ...use },
    options: {},
    locate: (path) => (path.length < 2 ? undefined : { file: path.join("."), line: 1, column: 1 }),
  };
  const planned = plan(plugins, config);
  assert.deepEqual(planned.problems, []);
  assert.ok(planned.plan);
  return checkApp(planned.plan, policies).map(formatProblem);
}

it("every code is in the documentation, with its advice", async () => {
  const page = await readFile(join(import.meta.dirname, "../../docs/call-path.md"), "utf8");
  const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| ([^|]+) \|$/gm)].map(([, code, advice]) => [code, advice]);
  assert.deepEqual(Object.fromEntries(rows), appCodes);
});

describe("checking an app", () => {
  it("finds nothing wrong where every method can be carried", () => {
    assert.deepEqual(check({ protocol: "full" }), []);
    assert.deepEqual(check({ protocol: ["rest", "full"] }), []);
    assert.deepEqual(check({ protocol: "secret" }), [], "a protocol that does not say what it carries");
  });

  it("tells a registry that nobody uses", () => {
    const one = (name: string, needs = {}): Plugin =>
      definePlugin({ spi: registry, name, description: name, needs, setup: () => assert.fail("nothing runs") });
    const registries = [one("a"), one("b"), one("multi", { others: every(registry) })];
    const using = (use: string | string[]) =>
      check({ protocol: "full", registry: use }, {}, [echoService(), ...registries], ["echo"]);
    assert.deepEqual(using(["a", "b"]), [
      'use.registry.1:1:1  registry "b" has no effect: "a" serves, for it is the first. Put one that uses the others before them (multi), or keep one.',
    ]);
    assert.equal(using(["a", "multi", "b"]).length, 1, "multi is not asked for either");
    assert.deepEqual(using(["multi", "a", "b"]), []);
    assert.deepEqual(using("b"), []);
  });

  it("tells every method that no selected protocol carries", () => {
    assert.deepEqual(check({ protocol: "rest" }), [
      "use.service.0:1:1  service/echo: mortise.testing.v1.Echo/Sum is a client-stream method, which rest cannot carry. Select a protocol that carries methods of this kind, or name one in a policy for the method.",
      "use.service.0:1:1  service/echo: mortise.testing.v1.Echo/Chat is a bidi-stream method, which rest cannot carry. Select a protocol that carries methods of this kind, or name one in a policy for the method.",
    ]);
  });

  it("tells a protocol that carries none of the selected serializers, and why", () => {
    assert.deepEqual(check({ protocol: ["full", "picky"], serializer: "protobuf" }), [
      'use.protocol.1:1:1  protocol "picky" cannot carry protobuf: it takes json alone, for people read it. Select a serializer that the protocol carries, beside others where they are needed.',
    ]);
    assert.deepEqual(check({ protocol: ["full", "picky"], serializer: ["protobuf", "json"] }), []);
  });

  it("tells methods that a protocol cannot serve together", () => {
    assert.deepEqual(check({ protocol: "strict" }), []);
    const sample = defineService(Sample, { description: "more methods", setup: () => assert.fail("nothing runs") });
    assert.deepEqual(check({ protocol: "strict" }, {}, [echoService(), sample]), [
      'use.protocol:1:1  protocol "strict": A and B are the same. Change one of the two contracts, or run their services in apps of their own.',
    ]);
  });

  it("tells a policy whose serializer its protocol does not carry", () => {
    const use = { protocol: ["full", "picky"], serializer: ["json", "protobuf"] };
    const target = Echo.name;
    const wrong = [
      `policies.${target}.serializer:1:1  policy for ${target}: protocol "picky" cannot carry serializer "protobuf": it takes json alone, for people read it. Select a serializer that the protocol carries, beside others where they are needed.`,
    ];
    assert.deepEqual(check(use, { [target]: { protocol: "picky", serializer: "protobuf" } }), wrong);
    assert.deepEqual(check(use, { [target]: { protocol: "picky" } }), []);
    assert.deepEqual(check(use, { [target]: { serializer: "protobuf" } }), []);
    assert.deepEqual(check({ ...use, protocol: "picky" }, { [target]: { serializer: "protobuf" } }), wrong);
  });

  it("tells a policy whose protocol does not carry its methods, also those that are only called here", () => {
    const target = `${Echo.name}/sum`;
    const wrong = [
      `policies.${target}.protocol:1:1  policy for ${target}: mortise.testing.v1.Echo/Sum is a client-stream method, which protocol "rest" cannot carry. Select a protocol that carries methods of this kind, or name one in a policy for the method.`,
    ];
    const use = { protocol: ["full", "rest"] };
    assert.deepEqual(check(use, { [target]: { protocol: "rest" } }), wrong);
    const caller = definePlugin({
      spi: echoService().spi,
      name: "caller",
      description: "Calls",
      needs: { echo: client(Echo) },
      setup: () => assert.fail("nothing runs"),
    });
    assert.deepEqual(check(use, { [target]: { protocol: "rest" } }, [caller]), wrong);
    assert.deepEqual(check(use, { [`${Echo.name}/bytes`]: { protocol: "rest" } }), []);
  });

  it("tells a contract that two services serve", () => {
    const [message = "", ...more] = check({ protocol: "full" }, {}, [echoService(), echoService(undefined, "again")]);
    assert.match(
      message,
      /service\/again serves mortise\.testing\.v1\.Echo, which service\/echo serves already\. Let one/,
    );
    assert.deepEqual(more, []);
  });
});
