import assert from "node:assert/strict";
import { it } from "node:test";
import { callContext, type MethodKind, type ProtocolFacts, server } from "@mortise/kernel";
import {
  type AppOptions,
  echoEvents,
  eventually,
  natsServer,
  onServer,
  surroundings,
  testApp,
} from "@mortise/kernel/testing";
import { failover } from "@mortise/plugins/cluster/failover/failover";
import { checks, clientOf, echoOf, echoPlugin } from "./carried.fixture.ts";
import { installedOf } from "./installed.fixture.ts";

const protocols = [...(await installedOf("protocol")).values()];
const serializers = [...(await installedOf("serializer")).values()];
const names = protocols.map(({ name }) => name);
const plugins = [...protocols, ...serializers, failover];
const kindsOf = new Map(protocols.map(({ name, facts }) => [name, (facts as ProtocolFacts).kinds]));

await onServer("a service over all protocols", natsServer, ({ url }) => {
  const use = { cluster: "failover", serializer: ["protobuf", ...serializers.map(({ name }) => name)] };
  const unique = { ...use, serializer: [...new Set(use.serializer)] };
  const options = { "protocol/nats": { servers: url } };
  const over = (protocol: string | string[]) => ({
    use: { ...unique, protocol },
    ...([protocol].flat().includes("nats") && { options }),
    policies: { "*": { timeoutMs: 20_000 } },
  });

  it("is offered by one process over all of them at once, and called over each", async () => {
    const around = surroundings();
    const events = echoEvents();
    const kinds: readonly MethodKind[] = ["unary", "server-stream"];
    const contract = echoOf(kinds);
    const own = { around, ...over(names) };
    const policies = { "*": { protocol: "inproc", timeoutMs: 20_000 } };
    await using serving = await testApp({ ...own, plugins: [...plugins, echoPlugin(contract, events)], policies });
    const endpoints = serving.kernel.get(server).endpoints.map(({ protocol }) => protocol);
    assert.deepEqual(endpoints.toSorted(), names.toSorted());
    for (const protocol of names) {
      const begun = events.begun;
      await using other = protocol === "inproc" ? undefined : await testApp({ around, plugins, ...over(protocol) });
      const echo = clientOf(other ?? serving, contract);
      const carried = kinds.filter((kind) => kindsOf.get(protocol)?.includes(kind));
      for (const { what, check } of checks.filter((one) => one.kinds.every((kind) => carried.includes(kind))))
        await check({ echo, events }).catch((cause: unknown) => assert.fail(`${protocol}, ${what}: ${cause}`));
      assert.ok(events.begun > begun + 1000, `${protocol} reached the one service`);
    }
  });

  it("loses no call while they are exchanged for each other under load", async () => {
    const contract = echoOf(["unary"]);
    const state = (protocol: string | string[]): AppOptions => ({
      plugins: [...plugins, echoPlugin(contract, echoEvents())],
      ...over(protocol),
    });
    await using app = await testApp(state("inproc"));
    const echo = clientOf(app, contract);
    const context = callContext({ timeoutMs: 60_000 });
    const failures: unknown[] = [];
    let calls = 0;
    let going = true;
    const work = async () => {
      for (let turn = 0; going; turn++, calls++) {
        const call =
          turn % 3 === 0 ? echo.upload({ data: new Uint8Array(100) }, context) : echo.bytes({ size: 100 }, context);
        await call.catch((error: unknown) => failures.push(error));
      }
    };
    const workers = Array.from({ length: 32 }, work);
    const further = (more: number) => {
      const target = calls + more;
      return eventually(() => calls >= target, 60_000);
    };
    for (const protocol of [...names, names, ...names.toReversed(), ["grpc", "rest"], "nats"]) {
      await further(200);
      await (await app.become(state(protocol))).settled;
      const speaks = app.kernel.get(server).endpoints.map((endpoint) => endpoint.protocol);
      assert.deepEqual(speaks, [protocol].flat());
    }
    await further(200);
    going = false;
    await Promise.all(workers);
    assert.deepEqual(failures.map(String), []);
  });
});
