import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callContext } from "../call/call-context.ts";
import { StatusError } from "../call/status.ts";
import { protocol } from "../spi/protocol.ts";
import { memoryProtocol } from "../testing/app/memory-protocol.ts";
import { Echo } from "../testing/echo-contract.ts";
import { Sample, sampleInstance } from "../testing/samples.ts";
import {
  bareService,
  echoOffer,
  echoService,
  given,
  type Surroundings,
  surroundings,
  testApp,
} from "../testing/test-app.ts";

const other = bareService("other", { offers: [{ service: Sample, handlers: sampleHandlers() }] });
const once = { cluster: "failfast" };
const soon = () => callContext({ timeoutMs: 500 });
const gone = { code: "UNAVAILABLE", reason: "SERVICE_GONE" };

function sampleHandlers() {
  return Object.fromEntries(Object.keys(Sample.methods).map((name) => [name, () => ({ text: "" })]));
}

/** A process that calls, beside one that has served the test service and still serves another. */
async function afterRemoval(around: Surroundings = surroundings()) {
  const server = await testApp({ around, plugins: [echoService(), other] });
  const app = await testApp({ around, use: once });
  const echo = app.clients.client(Echo);
  await echo.bytes({ size: 1 });
  return {
    echo,
    server,
    remove: async () => (await server.become({ around, plugins: [other] })).settled,
    [Symbol.asyncDispose]: async () => {
      await app.stop();
      await server.stop();
    },
  };
}

describe("a service that was taken away", () => {
  it("is away for whoever still knows its last instance, and nobody is known afterwards", async () => {
    await using at = await afterRemoval();
    await at.remove();
    const both = [1, 2].map(() => at.echo.bytes({ size: 1 }, soon()));
    for (const call of both) await assert.rejects(call, gone);
    await assert.rejects(at.echo.bytes({ size: 1 }, soon()), { code: "UNAVAILABLE", reason: "NO_INSTANCE" });
  });

  it("is away also for whoever has not heard of it from the registry", async () => {
    const around = surroundings();
    await using at = await afterRemoval(around);
    const [instance] = around.registry.table.snapshot(Echo.name);
    assert.ok(instance);
    around.registry.table.watch = () => () => undefined;
    await at.remove();
    around.registry.table.set(Echo.name, [instance]); // as a registry says that is behind
    for (const _ of [1, 2]) await assert.rejects(at.echo.bytes({ size: 1 }, soon()), gone);
  });

  it("serves again when it is back", async () => {
    const around = surroundings();
    await using at = await afterRemoval(around);
    await at.remove();
    await assert.rejects(at.echo.bytes({ size: 1 }, soon()), gone);
    await (await at.server.become({ around, plugins: [echoService(), other] })).settled;
    assert.equal((await at.echo.bytes({ size: 2 })).data.length, 2);
  });

  it("is away where another process has taken the address of its last instance", async () => {
    const around = surroundings();
    const fixed = given(protocol, "fixed", memoryProtocol({ hub: around.hub, address: "port" }));
    const use = { protocol: ["fixed", "memory"] };
    await using app = await testApp({ around, plugins: [fixed], use: { ...use, ...once } });
    const before = await testApp({ around, plugins: [fixed, echoService()], use: { protocol: "fixed" } });
    const echo = app.clients.client(Echo);
    await echo.bytes({ size: 1 });
    await before.stop();
    await using after = await testApp({ around, plugins: [fixed, other], use: { protocol: "fixed" } });
    assert.deepEqual(after.around.registry.table.services(), [Sample.name]);
    const both = [1, 2].map(() => echo.bytes({ size: 1 }, soon()));
    for (const call of both) await assert.rejects(call, gone);
    await assert.rejects(echo.bytes({ size: 1 }, soon()), { reason: "NO_INSTANCE" });
  });
});

describe("a service that is there", () => {
  it("does not know a method that only newer callers know", async () => {
    const around = surroundings();
    await using app = await testApp({ around, plugins: [other] });
    const [known] = around.registry.table.snapshot(Sample.name);
    assert.ok(known);
    around.registry.table.set(Echo.name, [sampleInstance("a", { ...known, service: Echo.name })]);
    const echo = app.clients.client(Echo);
    for (const _ of [1, 2]) await assert.rejects(echo.bytes({ size: 1 }, soon()), { code: "UNIMPLEMENTED" });
  });

  it("is not given up for what it says of another that is gone", async () => {
    const around = surroundings();
    const told = new StatusError("UNAVAILABLE", "it is gone", { reason: "SERVICE_GONE", details: { service: "x" } });
    const { service, handlers } = echoOffer();
    const failing = { ...handlers, bytes: () => Promise.reject(told) };
    const server = await testApp({
      around,
      plugins: [bareService("echo", { offers: [{ service, handlers: failing }] })],
    });
    await using app = await testApp({ around, use: once });
    const echo = app.clients.client(Echo);
    await assert.rejects(echo.bytes({ size: 1 }), gone);
    around.registry.table.set(Echo.name, []); // which is doubted
    for (const _ of [1, 2]) await assert.rejects(echo.bytes({ size: 1 }), gone);
    await echo.upload({ data: new Uint8Array() });
    await server.stop();
  });
});
