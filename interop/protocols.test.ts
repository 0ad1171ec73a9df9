import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callContext, type Plugin, server } from "@mortise/kernel";
import {
  type AppOptions,
  Echo,
  echoEvents,
  echoService,
  eventually,
  surroundings,
  testApp,
} from "@mortise/kernel/testing";
import { failover } from "@mortise/plugins/cluster/failover/failover";
import { deadline } from "@mortise/plugins/filter/deadline/deadline";
import { grpc } from "@mortise/plugins/protocol/grpc/grpc";
import { inproc } from "@mortise/plugins/protocol/inproc/inproc";
import { protobuf } from "@mortise/plugins/serializer/protobuf/protobuf";

const real: readonly Plugin[] = [grpc, inproc, failover, deadline, protobuf];
const use = { cluster: "failover", filter: ["deadline"] };
const count = (last: number) => ({ count: last, failAfter: 0, padding: 0 });

/** Calls of three kinds by many workers, until told to stop. */
function load(app: Awaited<ReturnType<typeof testApp>>, workers: number) {
  const echo = app.clients.client(Echo);
  const context = callContext({ timeoutMs: 60_000 });
  const failures: unknown[] = [];
  let calls = 0;
  let going = true;
  const one = async (turn: number) => {
    if (turn % 5 === 0) for await (const _ of echo.count(count(3), context));
    else if (turn % 3 === 0)
      await echo.upload({ data: new Uint8Array(100) }, context); // not idempotent: never repeated
    else await echo.bytes({ size: 100 }, context);
  };
  const work = async (worker: number) => {
    for (let turn = worker; going; turn++, calls++) await one(turn).catch((error: unknown) => failures.push(error));
  };
  const all = Array.from({ length: workers }, (_, worker) => work(worker));
  return {
    failures,
    further: (more: number) => {
      const target = calls + more;
      return eventually(() => calls >= target, 60_000);
    },
    async stop() {
      going = false;
      await Promise.all(all);
    },
  };
}

describe("with real protocols", () => {
  it("no call fails while they are exchanged for each other under load", async () => {
    const state = (protocol: string | string[]): AppOptions => ({
      plugins: [...real, echoService()],
      use: { ...use, protocol },
    });
    await using app = await testApp(state("inproc"));
    const calling = load(app, 32);
    for (const protocol of ["grpc", "inproc", ["inproc", "grpc"], "grpc", ["grpc", "inproc"], "inproc"]) {
      await calling.further(200);
      await (await app.become(state(protocol))).settled;
      const speaks = app.kernel.get(server).endpoints.map((endpoint) => endpoint.protocol);
      assert.deepEqual(speaks, [protocol].flat());
    }
    await calling.further(200);
    await calling.stop();
    assert.deepEqual(calling.failures.map(String), []);
  });

  it("one of two processes stops under load and no call fails", async () => {
    const around = surroundings();
    const plugins = [...real, echoService()];
    const one = await testApp({ around, plugins, use: { ...use, protocol: "grpc" } });
    await using two = await testApp({ around, plugins, use: { ...use, protocol: "grpc" } });
    await using caller = await testApp({ around, plugins: real, use: { ...use, protocol: "grpc" } });
    const calling = load(caller, 16);
    await calling.further(300);
    await one.stop();
    await calling.further(300);
    await calling.stop();
    assert.deepEqual(calling.failures.map(String), []);
    assert.ok(two);
  });

  it("services of the same process are called without a network, all others over one", async () => {
    const around = surroundings();
    const [near, far] = [echoEvents(), echoEvents()];
    const both = { ...use, protocol: ["inproc", "grpc"] };
    await using app = await testApp({ around, plugins: [...real, echoService(near)], use: both });
    await using other = await testApp({ around, plugins: [...real, echoService(far)], use: both });
    await using caller = await testApp({ around, plugins: real, use: both });
    for (let i = 0; i < 10; i++) await app.clients.client(Echo).bytes({ size: 1 });
    assert.deepEqual([near.begun, far.begun], [10, 0]);
    for (let i = 0; i < 10; i++) await caller.clients.client(Echo).bytes({ size: 1 });
    assert.equal(near.begun + far.begun, 20);
    assert.ok(near.begun > 10 && far.begun > 0);
    assert.ok(other);
  });

  it("a slow reader holds back a handler behind gRPC", async () => {
    const events = echoEvents();
    await using app = await testApp({ plugins: [...real, echoService(events)], use: { ...use, protocol: "grpc" } });
    let read = 0;
    let most = 0;
    for await (const _ of app.clients.client(Echo).count({ count: 400, failAfter: 0, padding: 20_000 })) {
      read++;
      await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, events.produced - read);
    }
    assert.equal(read, 400);
    assert.ok(most < 100, `${most} messages of 20 kB were made before they were asked for`);
  });
});
