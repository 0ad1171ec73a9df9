import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import { callContext } from "../call/call-context.ts";
import { noMetadata } from "../call/metadata.ts";
import { policyFields } from "../call/site.ts";
import { StatusError } from "../call/status.ts";
import type { Plugin } from "../core/plugin.ts";
import { cluster } from "../spi/cluster.ts";
import { type Filter, filter } from "../spi/filter.ts";
import { loadBalancer } from "../spi/loadbalancer.ts";
import { protocol } from "../spi/protocol.ts";
import { type Router, router } from "../spi/router.ts";
import { serializer } from "../spi/serializer.ts";
import { memoryProtocol } from "../testing/app/memory-protocol.ts";
import { codecSerializer, firstBalancer, onceCluster } from "../testing/app/simple-plugins.ts";
import { Echo } from "../testing/echo-contract.ts";
import { echoEvents } from "../testing/echo-service.ts";
import { sampleInstance } from "../testing/samples.ts";
import { echoService, given, surroundings, testApp } from "../testing/test-app.ts";

/** A filter that writes down where it was passed. */
function passing(name: string, passed: string[], only?: string): Plugin {
  const api: Filter = {
    wrap: ({ place, method }) => {
      if (only !== undefined && place !== only) return undefined;
      return (next) => (call) => {
        passed.push(`${name} ${place} ${method.name}${call.instance ? ` at ${call.instance.protocol}` : ""}`);
        return next(call);
      };
    },
  };
  return given(filter, name, api);
}

describe("the way of a call", () => {
  it("leads through every filter at each of the three places, in the order they are listed", async () => {
    const passed: string[] = [];
    await using app = await testApp({
      plugins: [echoService(), passing("a", passed), passing("b", passed), passing("c", passed, "provider")],
      use: { filter: ["b", "a", "c"] },
    });
    await app.clients.client(Echo).bytes({ size: 1 });
    assert.deepEqual(passed, [
      "b call bytes",
      "a call bytes",
      "b attempt bytes at memory",
      "a attempt bytes at memory",
      "b provider bytes",
      "a provider bytes",
      "c provider bytes",
    ]);
  });

  it("passes call filters once and attempt filters once per try, while what was never sent is tried again", async () => {
    const passed: string[] = [];
    const around = surroundings();
    let failures = 2;
    const memory = memoryProtocol({
      hub: around.hub,
      onCall: () => {
        if (failures-- > 0) throw new StatusError("UNAVAILABLE", "not yet", { neverSent: true });
      },
    });
    const plugins = [echoService(), passing("a", passed), given(protocol, "memory", memory)];
    await using app = await testApp({ around, plugins, use: { filter: ["a"] } });
    await app.clients.client(Echo).upload({ data: new Uint8Array(2) });
    assert.deepEqual(passed, [
      "a call upload",
      ...Array.from({ length: 3 }, () => "a attempt upload at memory"),
      "a provider upload",
    ]);
  });

  it("tries again after a failure only what is idempotent, as often as the policy says", async () => {
    const around = surroundings();
    let attempts = 0;
    const memory = memoryProtocol({
      hub: around.hub,
      onCall: () => {
        attempts++;
        throw new StatusError("UNAVAILABLE", "broken");
      },
    });
    const plugins = [echoService(), given(protocol, "memory", memory)];
    await using app = await testApp({ around, plugins, policies: { [Echo.name]: { retries: 3 } } });
    const echo = app.clients.client(Echo);
    await assert.rejects(echo.upload({ data: new Uint8Array() }), /broken/);
    assert.equal(attempts, 1);
    await assert.rejects(echo.bytes({ size: 1 }), /broken/);
    assert.equal(attempts, 1 + 4);
  });

  it("tells the balancer how each attempt went, streams when they end", async () => {
    const told: { picks: string[]; outcomes: string[] } = { picks: [], outcomes: [] };
    const plugins = [echoService(), given(loadBalancer, "first", firstBalancer(told))];
    await using app = await testApp({ plugins, use: { loadbalancer: "first" } });
    const echo = app.clients.client(Echo);
    await echo.bytes({ size: 1 });
    await assert.rejects(echo.fail({ code: 5, message: "", reason: "", details: new Map(), bug: false }));
    const stream = echo.count({ count: 3, failAfter: 0, padding: 0 })[Symbol.asyncIterator]();
    await stream.next();
    assert.deepEqual(told.outcomes, ["OK", "NOT_FOUND"]);
    await stream.return?.();
    assert.deepEqual(told.outcomes, ["OK", "NOT_FOUND", "CANCELLED"]);
    for await (const _ of echo.count({ count: 3, failAfter: 0, padding: 0 }));
    assert.deepEqual(told.outcomes, ["OK", "NOT_FOUND", "CANCELLED", "OK"]);
    assert.equal(told.picks.length, 4);
  });

  it("takes a filter that throws for one that rejects", async () => {
    const throwing: Filter = {
      wrap:
        ({ place }) =>
        () =>
        () => {
          throw place === "attempt" ? new StatusError("ABORTED", "thrown") : new TypeError("mistake");
        },
    };
    await using app = await testApp({
      plugins: [echoService(), given(filter, "bad", throwing)],
      use: { filter: ["bad"] },
    });
    await assert.rejects(app.clients.client(Echo).bytes({ size: 1 }), { code: "INTERNAL", message: "mistake" });
  });

  it("may end in a filter, which answers itself", async () => {
    const answering: Filter = {
      wrap: ({ place }) =>
        place === "call"
          ? () => async () => ({
              response: { data: new Uint8Array(9) },
              headers: noMetadata,
              trailers: () => noMetadata,
            })
          : undefined,
    };
    await using app = await testApp({ plugins: [given(filter, "mock", answering)], use: { filter: ["mock"] } });
    assert.equal((await app.clients.client(Echo).bytes({ size: 1 })).data.length, 9);
  });

  it("gives a filter the policy fields it declares, complete and checked", async () => {
    const fields = policyFields({ colour: z.enum(["red", "blue"]).default("red") });
    const seen: string[] = [];
    const painting: Plugin = {
      ...given(filter, "paint", {
        wrap: (site) => {
          if (site.place === "call") seen.push(`${site.app} ${site.method.name} ${fields.of(site).colour}`);
          return undefined;
        },
      } satisfies Filter),
      policy: fields.schemas,
    };
    await using app = await testApp({
      plugins: [echoService(), painting],
      use: { filter: ["paint"] },
      policies: { [`${Echo.name}/upload`]: { colour: "blue" }, [`${Echo.name}/sum`]: { colour: "green" } },
    });
    const echo = app.clients.client(Echo);
    await echo.bytes({ size: 1 });
    await echo.upload({ data: new Uint8Array() });
    assert.deepEqual(seen, ["test bytes red", "test upload blue"]);
    await assert.rejects(echo.sum((async function* () {})()), { code: "INTERNAL", message: /policy field colour/ });
  });
});

describe("the instances of a call", () => {
  const chosen = (id: string): Router => ({
    route: () => {
      const known = new WeakMap<readonly unknown[], readonly never[]>();
      return (candidates) => {
        const left = known.get(candidates) ?? Object.freeze(candidates.filter((one) => one.id === id) as never[]);
        known.set(candidates, left);
        return left;
      };
    },
  });

  it("are narrowed down by the routers, and none left is an error that says so", async () => {
    const around = surroundings();
    const told = { picks: [] as string[], outcomes: [] as string[] };
    const balancer = given(loadBalancer, "first", firstBalancer(told));
    await using one = await testApp({ around, plugins: [echoService()] });
    await using two = await testApp({ around, plugins: [echoService()] });
    const ids = around.registry.table.snapshot(Echo.name).map(({ id }) => id);
    const use = { loadbalancer: "first", router: ["only"] };
    await using app = await testApp({ around, plugins: [balancer, given(router, "only", chosen(ids[1] ?? ""))], use });
    await app.clients.client(Echo).bytes({ size: 1 });
    assert.deepEqual(told.picks, [ids[1]]);
    await app.become({ around, plugins: [balancer, given(router, "only", chosen("nobody"))], use });
    await assert.rejects(app.clients.client(Echo).bytes({ size: 1 }), {
      code: "UNAVAILABLE",
      neverSent: true,
      message: "the routers leave none of the 2 instances of mortise.testing.v1.Echo for this call",
    });
    assert.ok(one && two);
  });

  it("come to the balancer as the same array until something changes that concerns it", async () => {
    const around = surroundings();
    const seen: (readonly unknown[])[] = [];
    const watching = given(loadBalancer, "first", {
      picker: (site) => {
        const inner = firstBalancer().picker(site);
        return {
          pick(candidates, call) {
            seen.push(candidates);
            return inner.pick(candidates, call);
          },
        };
      },
    });
    await using app = await testApp({ around, plugins: [echoService(), watching], use: { loadbalancer: "first" } });
    const echo = app.clients.client(Echo);
    await echo.bytes({ size: 1 });
    const elsewhere = sampleInstance("x", { service: Echo.name, protocol: "foreign" });
    const registration = await around.registry.register(elsewhere);
    await echo.bytes({ size: 1 });
    await registration.withdraw();
    await echo.bytes({ size: 1 });
    await around.registry.register(sampleInstance("y", { service: Echo.name, protocol: "memory" }));
    await echo.bytes({ size: 1 });
    assert.equal(seen[0], seen[1]);
    assert.equal(seen[1], seen[2]);
    assert.notEqual(seen[2], seen[3]);
    assert.ok(seen.every((candidates) => Object.isFrozen(candidates)));
  });

  it("are forgotten when they cannot be reached and nobody lists them any more", async () => {
    const around = surroundings();
    await using app = await testApp({ around });
    const server = await testApp({ around, plugins: [echoService()] });
    const echo = app.clients.client(Echo);
    await echo.bytes({ size: 1 });
    await server.stop(); // it was the last one, so the empty list is not believed
    const calling = echo.bytes({ size: 1 }, callContext({ timeoutMs: 20_000 }));
    await using again = await testApp({ around, plugins: [echoService()] });
    assert.equal((await calling).data.length, 1, "the call has waited for the next one");
    assert.ok(again);
  });

  it("are spoken to again when they come back as they were", async () => {
    const around = surroundings();
    const told = { picks: [] as string[], outcomes: [] as string[] };
    await using server = await testApp({ around, plugins: [echoService()] });
    const [instance] = around.registry.table.snapshot(Echo.name);
    assert.ok(instance);
    const elsewhere = sampleInstance("x", { service: Echo.name, protocol: "foreign" });
    await around.registry.register(elsewhere); // so that nobody doubts that the other one is gone
    await using app = await testApp({
      around,
      plugins: [given(loadBalancer, "first", firstBalancer(told))],
      use: { loadbalancer: "first" },
    });
    const echo = app.clients.client(Echo);
    await echo.bytes({ size: 1 });
    around.registry.table.set(Echo.name, [elsewhere]);
    around.registry.table.set(Echo.name, [elsewhere, instance]);
    await echo.bytes({ size: 1 });
    assert.deepEqual(told.picks, [instance.id, instance.id]);
    assert.ok(server);
  });

  it("are spoken to with the policy's serializer, else with the best they understand", async () => {
    const around = surroundings();
    const used: string[] = [];
    const plain = memoryProtocol({ hub: around.hub });
    const noting = given(protocol, "memory", {
      ...plain,
      connect: (instance) => {
        const connection = plain.connect(instance);
        return {
          ...connection,
          invoker: (method, how) => {
            used.push(how.subtype);
            return connection.invoker(method, how);
          },
        };
      },
    });
    const [json, proto] = ["json", "protobuf"].map((name) => given(serializer, name, codecSerializer(name))) as [
      Plugin,
      Plugin,
    ];
    await using server = await testApp({
      around,
      plugins: [echoService(), json, proto],
      use: { serializer: ["protobuf", "json"] },
    });
    const plugins = [noting, json, proto];
    await using app = await testApp({ around, plugins, use: { serializer: ["json", "protobuf"] } });
    const echo = app.clients.client(Echo);
    await echo.bytes({ size: 1 });
    await app.become({
      around,
      plugins,
      use: { serializer: ["json", "protobuf"] },
      policies: { "*": { serializer: "protobuf" } },
    });
    await echo.bytes({ size: 1 });
    assert.deepEqual(used, ["json", "protobuf"]);
    const odd = [noting, given(serializer, "odd", codecSerializer("odd"))];
    await app.become({ around, plugins: odd, use: { serializer: ["odd"] } });
    await assert.rejects(echo.bytes({ size: 1 }), {
      code: "FAILED_PRECONDITION",
      message: /understands protobuf, json, and none of these is selected here/,
    });
    assert.ok(server);
  });
});

describe("a policy that names what is not there", () => {
  it("fails the calls it is for, and says what to select", async () => {
    await using app = await testApp({
      plugins: [echoService(), given(cluster, "once", onceCluster)],
      use: { cluster: ["failover", "once"] },
      policies: {
        [`${Echo.name}/bytes`]: { loadbalancer: "randm" },
        [`${Echo.name}/upload`]: { cluster: "once" },
        [`${Echo.name}/whoami`]: { protocol: "grpc" },
      },
    });
    const echo = app.clients.client(Echo);
    await assert.rejects(echo.bytes({ size: 1 }), {
      code: "FAILED_PRECONDITION",
      reason: "PLUGIN_NOT_SELECTED",
      message:
        'mortise.testing.v1.Echo/Bytes cannot be called: its policy names loadbalancer "randm", which is not selected. Select it under use: { loadbalancer: … }. Did you mean random? (random)',
    });
    await assert.rejects(echo.whoami({}), /its policy names protocol "grpc"/);
    await echo.upload({ data: new Uint8Array() });
  });

  it("fails calls of a kind its protocol does not carry", async () => {
    const around = surroundings();
    const bare = given(protocol, "bare", memoryProtocol({ hub: around.hub, kinds: ["unary"] }));
    await using app = await testApp({
      around,
      plugins: [echoService(echoEvents()), bare],
      use: { protocol: ["bare", "memory"] },
      policies: { [`${Echo.name}/sum`]: { protocol: "bare" } },
    });
    const echo = app.clients.client(Echo);
    await echo.bytes({ size: 1 });
    for await (const _ of echo.count({ count: 2, failAfter: 0, padding: 0 })); // over the one that can
    await assert.rejects(echo.sum((async function* () {})()), {
      code: "UNIMPLEMENTED",
      message: /protocol "bare" carries no client-stream calls such as mortise\.testing\.v1\.Echo\/Sum/,
    });
  });
});
