import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Registry, Snapshot } from "@mortise/kernel";
import { registry, systemPorts } from "@mortise/kernel";
import { registryConformance } from "@mortise/kernel/spi/registry.conformance";
import {
  Echo,
  echoService,
  eventually,
  given,
  keptLog,
  sampleInstance,
  silentLog,
  type TableRegistry,
  tableRegistry,
  testApp,
  virtualPorts,
} from "@mortise/kernel/testing";
import type { MemberOptions } from "./members.ts";
import { multi } from "./multi.ts";
import { multiRegistry } from "./multi-registry.ts";

const service = "mortise.sample.v1.Sample";
const patience = { waitMs: 2000, retryMs: 1000 };

registryConformance({
  name: "multi",
  make() {
    const [a, b] = [tableRegistry(), tableRegistry()];
    const others = new Map<string, Registry>([
      ["a", a],
      ["b", b],
    ]);
    const open = async () => multiRegistry(others, { ...patience, registries: {} }, systemPorts, silentLog);
    return { subject: { open } };
  },
});

const special = (changes: Partial<MemberOptions>): MemberOptions => ({
  register: true,
  discover: true,
  preferred: false,
  ...changes,
});

function over(registries: Record<string, MemberOptions> = {}, prepare?: (a: TableRegistry, b: TableRegistry) => void) {
  const [a, b] = [tableRegistry(), tableRegistry()];
  prepare?.(a, b);
  const [ports, log] = [virtualPorts(), keptLog()];
  const others = new Map<string, Registry>([
    ["a", a],
    ["b", b],
  ]);
  const { api, stop } = multiRegistry(others, { ...patience, registries }, ports, log);
  const heard: Snapshot[] = [];
  const watch = () => ports.settle(api.watch(service, (snapshot) => heard.push(snapshot)));
  const ids = () => heard.at(-1)?.map(({ id }) => id);
  return { a, b, api, stop: async () => stop?.(), ports, log, heard, watch, ids };
}

describe("registry/multi", () => {
  it("registers in all, withdraws from all, and shows an instance once", async () => {
    const { a, b, api, watch, heard } = over();
    await watch();
    const registration = await api.register(sampleInstance("x"));
    assert.deepEqual([a.table.snapshot(service).length, b.table.snapshot(service).length], [1, 1]);
    assert.deepEqual(heard.at(-1), [sampleInstance("x")]);
    await registration.withdraw();
    assert.deepEqual([a.table.snapshot(service).length, b.table.snapshot(service).length], [0, 0]);
    assert.deepEqual(heard.at(-1), []);
  });

  it("shows what only one of them knows, and takes back nothing while the other still knows it", async () => {
    const { a, b, watch, ids } = over();
    await watch();
    const [inA] = [await a.register(sampleInstance("x")), await b.register(sampleInstance("x"))];
    await b.register(sampleInstance("y"));
    assert.deepEqual(ids(), ["x", "y"]);
    await inA.withdraw();
    assert.deepEqual(ids(), ["x", "y"]);
  });

  it("registers and discovers only where it shall", async () => {
    const { a, b, api, watch, ids } = over({
      a: special({ discover: false }),
      b: special({ register: false }),
    });
    await watch();
    await api.register(sampleInstance("mine"));
    await a.register(sampleInstance("elsewhere"));
    await b.register(sampleInstance("theirs"));
    assert.deepEqual(ids(), ["theirs"]);
    assert.deepEqual(
      b.table.snapshot(service).map(({ id }) => id),
      ["theirs"],
    );
    assert.deepEqual(await api.services(), [service]);
  });

  it("marks what it finds with what is special about the registry, preferred ones first, and keeps the objects", async () => {
    const { a, b, watch, heard } = over({ a: special({ zone: "east" }), b: special({ preferred: true, weight: 30 }) });
    await watch();
    await a.register(sampleInstance("x", { tags: { colour: "blue" } }));
    await a.register(sampleInstance("w", { zone: "west" }));
    const before = heard.at(-1)?.find(({ id }) => id === "x");
    await b.register(sampleInstance("y"));
    const after = heard.at(-1) ?? [];
    assert.deepEqual(
      after.map(({ id, zone, tags }) => [id, zone, tags]),
      [
        ["y", "", { registry: "b", "registry.preferred": "true", "registry.weight": "30" }],
        ["x", "east", { colour: "blue", registry: "a" }],
        ["w", "west", { registry: "a" }],
      ],
    );
    assert.equal(
      after.find(({ id }) => id === "x"),
      before,
    );
  });

  it("serves with one of them down, and catches up when that is back", async () => {
    const { a, b, api, watch, ids, ports, log } = over({}, (a) => {
      a.down = true;
    });
    await b.register(sampleInstance("y"));
    await watch();
    assert.deepEqual(ids(), ["y"]);
    await ports.settle(api.register(sampleInstance("x")));
    assert.deepEqual(ids(), ["y", "x"]);
    assert.deepEqual(
      log.lines.filter(({ level }) => level === "warn").map(({ message }) => message),
      [`a does not tell where ${service} runs; trying again`, `${service} cannot be registered in a; trying again`],
    );
    a.down = false;
    await ports.advance(1001);
    assert.deepEqual(
      a.table.snapshot(service).map(({ id }) => id),
      ["x"],
    );
    await a.register(sampleInstance("z"));
    assert.deepEqual(ids()?.sort(), ["x", "y", "z"]);
  });

  it("is not held up for long by one that does not answer", async () => {
    const { b, api, watch, ids, ports } = over({}, (a) => {
      a.watch = () => new Promise(() => undefined);
      a.register = () => new Promise(() => undefined);
    });
    await b.register(sampleInstance("y"));
    await watch();
    assert.deepEqual([ids(), ports.clock.now()], [["y"], 2000]);
    await ports.settle(api.register(sampleInstance("x")));
    assert.equal(ports.clock.now(), 4000);
  });

  it("leaves no watch, no registration and no timer behind when it stops", async () => {
    const { a, b, api, watch, stop, ports } = over({}, (a) => {
      a.down = true;
    });
    await watch();
    await ports.settle(api.register(sampleInstance("x")));
    await stop();
    await ports.advance(5000);
    assert.deepEqual([a.table.watches, b.table.watches, b.table.services()], [0, 0, []]);
    assert.equal(ports.pending, 0);
    a.down = false;
    await ports.advance(5000);
    assert.deepEqual(a.table.services(), []);
  });

  it("says what is missing", () => {
    const open = (others: ReadonlyMap<string, Registry>, registries: Record<string, MemberOptions>) =>
      multiRegistry(others, { ...patience, registries }, virtualPorts(), silentLog);
    assert.throws(() => open(new Map(), {}), /no registries to use; select them after it: use: \{ registry: \[multi,/);
    assert.throws(
      () => open(new Map([["etcd", tableRegistry()]]), { zookeeper: special({}) }),
      /options for zookeeper, which is not selected; there are etcd/,
    );
  });

  it("stands before the others in an app, which moves from one to the next without a failed call", async () => {
    const [a, b] = [tableRegistry(), tableRegistry()];
    const plugins = [multi, echoService(), given(registry, "a", a), given(registry, "b", b)];
    const listed = () => [a, b].map(({ table }) => table.snapshot(Echo.name).length);
    await using app = await testApp({ plugins, use: { registry: "a" } });
    const echo = app.clients.client(Echo);
    const steps: readonly (readonly [string | string[], readonly number[]])[] = [
      ["a", [1, 0]],
      [
        ["multi", "a", "b"],
        [1, 1],
      ],
      ["b", [0, 1]],
    ];
    for (const [use, expected] of steps) {
      await (await app.become({ plugins, use: { registry: use } })).settled;
      await eventually(() => listed().join() === expected.join());
      assert.equal((await echo.bytes({ size: 1 })).data.length, 1);
    }
  });
});
