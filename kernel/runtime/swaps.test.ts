import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callContext } from "../call/call-context.ts";
import { StatusError } from "../call/status.ts";
import type { Plugin } from "../core/plugin.ts";
import { defineService } from "../spi/define-service.ts";
import { type Filter, filter } from "../spi/filter.ts";
import { loadBalancer } from "../spi/loadbalancer.ts";
import { protocol } from "../spi/protocol.ts";
import { registry } from "../spi/registry.ts";
import { type Client, client } from "../spi/runtime.ts";
import { memoryProtocol } from "../testing/app/memory-protocol.ts";
import { firstBalancer, turningBalancer } from "../testing/app/simple-plugins.ts";
import { tableRegistry } from "../testing/app/table-registry.ts";
import { Echo } from "../testing/echo-contract.ts";
import { echoEvents } from "../testing/echo-service.ts";
import { eventually } from "../testing/eventually.ts";
import { Sample } from "../testing/samples.ts";
import {
  type AppOptions,
  bareService,
  echoOffer,
  echoService,
  given,
  surroundings,
  testApp,
} from "../testing/test-app.ts";

/** Makes calls of every kind one after the other in many workers until told to stop; any failure is kept. */
function load(echo: Client<typeof Echo>, workers = 64) {
  let going = true;
  let calls = 0;
  const failures: unknown[] = [];
  const context = callContext({ timeoutMs: 60_000 });
  const one = async (turn: number) => {
    if (turn % 7 === 0) for await (const _ of echo.count({ count: 3, failAfter: 0, padding: 0 }, context));
    else if (turn % 11 === 0) await echo.sum(numbers(), context);
    else if (turn % 5 === 0) await echo.upload({ data: new Uint8Array(3) }, context);
    else await echo.bytes({ size: 1 }, context);
  };
  const work = async (worker: number) => {
    for (let turn = worker; going; turn++) {
      await one(turn).catch((error) => failures.push(error));
      calls++;
      if (turn % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const all = Array.from({ length: workers }, (_, worker) => work(worker));
  return {
    failures,
    done: () => calls,
    /** Waits until so many further calls are done. */
    async further(count: number) {
      const target = calls + count;
      await eventually(() => calls >= target, 60_000);
    },
    async stop() {
      going = false;
      await Promise.all(all);
    },
  };
}

async function* numbers() {
  for (let number = 1; number <= 3; number++) yield { number, padding: new Uint8Array() };
}

/** A call passes slowly: it is still under way while the plugins it began with are exchanged. */
const slow: Filter = {
  wrap: ({ place }) =>
    place === "provider"
      ? undefined
      : (next) => async (call) => {
          await new Promise((resolve) => setImmediate(resolve));
          return next(call);
        },
};

describe("under load, with no failed call", () => {
  it("balancers, filters, clusters and policies are exchanged ten times and take effect", async () => {
    const told = { picks: [] as string[], outcomes: [] as string[] };
    const plugins = [
      echoService(),
      given(loadBalancer, "first", firstBalancer(told)),
      given(loadBalancer, "turn", turningBalancer()),
      given(filter, "slow", slow),
    ];
    const state = (n: number): AppOptions => ({
      plugins,
      use: {
        loadbalancer: n % 2 ? "first" : "turn",
        cluster: n % 3 ? "failover" : "failfast",
        filter: n % 2 ? ["slow"] : [],
      },
      policies: { "*": { retries: n } },
    });
    await using app = await testApp(state(0));
    const calling = load(app.clients.client(Echo), 500);
    const before = app.kernel.generation().id;
    for (let n = 1; n <= 10; n++) {
      const picks = told.picks.length;
      await calling.further(1000);
      assert.equal(told.picks.length > picks, n % 2 === 0, `the balancer of change ${n - 1} serves`);
      const { settled } = await app.become(state(n));
      await settled;
    }
    await calling.further(1000);
    await calling.stop();
    assert.deepEqual(calling.failures, []);
    assert.equal(app.kernel.generation().id, before + 10);
    assert.ok(calling.done() >= 10_000, `${calling.done()} calls`);
  });

  it("the protocol is exchanged, and the old one is stopped only when nobody uses it", async () => {
    const around = surroundings();
    const stopped: string[] = [];
    const made = (name: string) => {
      let gone = false;
      const api = memoryProtocol({
        hub: around.hub,
        onCall: () => {
          if (gone) throw new StatusError("INTERNAL", `${name} was used after it had been stopped`);
        },
      });
      return given(protocol, name, api, () => {
        gone = true;
        stopped.push(name);
      });
    };
    const state = (name: string): AppOptions => ({
      around,
      plugins: [echoService(), made(name), given(filter, "slow", slow)],
      use: { protocol: name, filter: ["slow"] },
    });
    await using app = await testApp(state("a"));
    const calling = load(app.clients.client(Echo));
    for (const name of ["b", "a", "b", "c"]) {
      await calling.further(500);
      const { settled } = await app.become(state(name));
      await settled;
      const speak = around.registry.table.snapshot(Echo.name).map(({ protocol }) => protocol);
      assert.deepEqual(speak, [name]);
      assert.equal(around.hub.size, 1, "the old listener is closed");
    }
    await calling.further(500);
    await calling.stop();
    assert.deepEqual(calling.failures.map(String), []);
    assert.deepEqual(stopped, ["a", "b", "a", "b"]);
  });

  it("the registry is exchanged", async () => {
    const around = surroundings();
    const others = [tableRegistry(), tableRegistry()];
    await using app = await testApp({ around, plugins: [echoService()] });
    const calling = load(app.clients.client(Echo));
    for (const other of others) {
      await calling.further(500);
      const { settled } = await app.become({ around, plugins: [echoService(), given(registry, "memory", other)] });
      await settled;
      assert.equal(other.table.snapshot(Echo.name).length, 1);
    }
    assert.equal(around.registry.table.snapshot(Echo.name).length, 0);
    assert.equal(others[0]?.table.snapshot(Echo.name).length, 0);
    await calling.further(500);
    await calling.stop();
    assert.deepEqual(calling.failures.map(String), []);
  });

  it("a service is replaced by a new one with other options, and the old one ends when its last request has", async () => {
    const steps: string[] = [];
    const made = (version: number) =>
      bareService(
        "echo",
        {
          offers: [echoOffer()],
          ready: () => void steps.push(`ready ${version}`),
          closing: () => void steps.push(`closing ${version}`),
        },
        () => steps.push(`stop ${version}`),
      );
    await using app = await testApp({ plugins: [made(1)] });
    const calling = load(app.clients.client(Echo));
    for (const version of [2, 3]) {
      await calling.further(500);
      const { settled } = await app.become({ plugins: [made(version)] });
      await settled;
    }
    await calling.further(500);
    await calling.stop();
    assert.deepEqual(calling.failures.map(String), []);
    assert.deepEqual(steps, ["ready 1", "ready 2", "closing 1", "stop 1", "ready 3", "closing 2", "stop 2"]);
  });

  it("the server itself is restarted for other options", async () => {
    const steps: string[] = [];
    const echo = bareService("echo", {
      offers: [echoOffer()],
      ready: () => void steps.push("ready"),
      closing: () => void steps.push("closing"),
    });
    const state = (zone: string): AppOptions => ({
      plugins: [echo],
      options: { "server/runtime": { zone, graceMs: 3000 } },
    });
    await using app = await testApp(state("a"));
    const calling = load(app.clients.client(Echo), 16);
    await calling.further(300);
    await (await app.become(state("b"))).settled;
    await calling.further(300);
    await calling.stop();
    assert.deepEqual(calling.failures.map(String), []);
    assert.deepEqual(
      app.around.registry.table.snapshot(Echo.name).map(({ zone }) => zone),
      ["b"],
    );
    assert.deepEqual(steps, ["ready", "closing", "ready"]);
  });

  it("the directory is exchanged, and its connections with it", async () => {
    const around = surroundings();
    let closed = 0;
    const plain = memoryProtocol({ hub: around.hub });
    const counting = given(protocol, "memory", {
      ...plain,
      connect: (instance) => {
        const connection = plain.connect(instance);
        return {
          ...connection,
          close: (graceMs) => {
            closed++;
            return connection.close(graceMs);
          },
        };
      },
    });
    const plugins = [echoService(), counting];
    await using app = await testApp({ around, plugins });
    const calling = load(app.clients.client(Echo), 16);
    await calling.further(200);
    await (await app.become({ around, plugins, options: { "directory/registry": { retryMs: 5 } } })).settled;
    await calling.further(200);
    await calling.stop();
    assert.deepEqual(calling.failures.map(String), []);
    assert.equal(closed, 1);
  });

  it("another service comes and goes, and what it needs with it", async () => {
    const plain = [echoService()];
    const more = [
      ...plain,
      defineService(Sample, {
        name: "outer",
        description: "Calls another service",
        needs: { echo: client(Echo) },
        setup: ({ deps }) => ({
          handlers: {
            read: async (_, call) => ({ text: `${(await deps.echo.bytes({ size: 2 }, call)).data.length}` }),
            write: async () => ({ text: "" }),
            async *watch() {},
            load: async () => ({ text: "" }),
            async *chat() {},
          },
        }),
      }),
    ];
    await using app = await testApp({ plugins: plain });
    const calling = load(app.clients.client(Echo));
    const sample = app.clients.client(Sample);
    for (let turn = 0; turn < 3; turn++) {
      await calling.further(200);
      await (await app.become({ plugins: more })).settled;
      assert.equal((await sample.read({ key: "", number: 0 })).text, "2");
      await (await app.become({ plugins: plain })).settled;
      assert.deepEqual(app.around.registry.table.services(), [Echo.name]);
    }
    await calling.stop();
    assert.deepEqual(calling.failures.map(String), []);
    const gone = () => sample.read({ key: "", number: 0 }, callContext({ timeoutMs: 1000 }));
    await assert.rejects(gone(), { code: "UNAVAILABLE" });
  });
});

describe("an edit of one policy", () => {
  it("lets balancers and filters of all other methods go on with what they have learnt", async () => {
    const made: string[] = [];
    const learning = given(loadBalancer, "learning", {
      picker: (site) => {
        made.push(`picker of ${site.method.name}`);
        return turningBalancer().picker(site);
      },
    });
    const counting = given(filter, "counting", {
      wrap: ({ place, method, policy }) => {
        if (place !== "attempt") made.push(`${place} filter of ${method.name} with ${policy.retries}`);
        return undefined;
      },
    } satisfies Filter);
    const state = (retries: number): AppOptions => ({
      plugins: [service, learning, counting],
      use: { loadbalancer: "learning", filter: ["counting"] },
      policies: { [`${Echo.name}/bytes`]: { retries } },
    });
    const service = echoService();
    await using app = await testApp(state(1));
    const echo = app.clients.client(Echo);
    const both = async () => {
      await echo.bytes({ size: 1 });
      await echo.upload({ data: new Uint8Array() });
    };
    await both();
    made.length = 0;
    await app.become(state(7));
    await both();
    assert.deepEqual(made.sort(), [
      "call filter of bytes with 7",
      "picker of bytes",
      "provider filter of bytes with 7",
    ]);
    await app.become({
      ...state(7),
      use: { loadbalancer: "turn", filter: ["counting"] },
      plugins: [...(state(7).plugins ?? []), given(loadBalancer, "turn", turningBalancer())],
    });
    made.length = 0;
    await both();
    assert.deepEqual(
      made.filter((one) => one.startsWith("call")).length,
      2,
      "another balancer: every path is made anew",
    );
  });
});

describe("a change that cannot be made", () => {
  it("because a port is taken leaves everything as it was", async () => {
    const around = surroundings();
    const fixed = (address: string) => given(protocol, "fixed", memoryProtocol({ hub: around.hub, address }));
    around.hub.set("taken", { methods: new Map(), busy: { enter() {}, leave() {}, size: 0, quiet: async () => {} } });
    await using app = await testApp({ around, plugins: [echoService()] });
    const calling = load(app.clients.client(Echo), 8);
    await calling.further(100);
    const state = { around, plugins: [echoService(), fixed("taken")], use: { protocol: ["memory", "fixed"] } };
    assert.match(
      await app.attempt(state),
      /server\/runtime cannot go along with the change: the address taken is taken/,
    );
    await calling.further(100);
    const free = { ...state, plugins: [echoService(), fixed("free")] };
    await (await app.become(free)).settled;
    assert.deepEqual([...around.hub.keys()].includes("free"), true);
    await calling.stop();
    assert.deepEqual(calling.failures.map(String), []);
  });

  it("because a service lacks a handler leaves everything as it was", async () => {
    await using app = await testApp({ plugins: [echoService()] });
    const lacking = bareService("lacking", { offers: [{ service: Sample, handlers: {} }] });
    assert.match(await app.attempt({ plugins: [echoService(), lacking] }), /service\/lacking has no handler for read/);
    await app.clients.client(Echo).bytes({ size: 1 });
    assert.deepEqual(app.around.registry.table.services(), [Echo.name]);
  });

  it("lets the successor of a listener have its fixed port", async () => {
    const around = surroundings();
    const events = echoEvents();
    const fixed = (version: string): Plugin => ({
      ...given(protocol, "fixed", memoryProtocol({ hub: around.hub, address: "port" })),
      description: version,
    });
    const state = (version: string): AppOptions => ({
      around,
      plugins: [echoService(events), fixed(version)],
      use: { protocol: "fixed" },
    });
    await using app = await testApp(state("1"));
    const echo = app.clients.client(Echo);
    await echo.bytes({ size: 1 });
    await (await app.become(state("2"))).settled;
    await echo.bytes({ size: 1 });
    assert.deepEqual([...around.hub.keys()], ["port"]);
  });
});
