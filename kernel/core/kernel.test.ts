import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import { pluginEntry } from "./definitions.ts";
import { KernelError } from "./errors.ts";
import { type Actor, stage } from "./kernel.fixture.ts";
import { startKernel } from "./kernel.ts";
import { derived, every, live, named, optional } from "./needs.ts";
import { definePlugin, type Plugin } from "./plugin.ts";
import { defineSpi, type Spi } from "./spi.ts";

const store = defineSpi<Actor>("store", { kind: "one" });
const bus = defineSpi<Actor>("bus", { kind: "named" });
const service = defineSpi<Actor>("service", { kind: "named" });

const failing = (message: string) => () => {
  throw new Error(message);
};

describe("a kernel", () => {
  it("serves an extension point it never heard of", async () => {
    interface Greeter {
      greet(name: string): string;
    }
    const greeter = defineSpi<Greeter>("greeter", { kind: "named", fallback: "formal" });
    const formal = definePlugin({
      spi: greeter,
      name: "formal",
      description: "Greets with distance.",
      options: z.object({ title: z.string().default("Dr.") }),
      setup: ({ options }) => ({ api: { greet: (name) => `Good day, ${options.title} ${name}.` } }),
    });
    const warm = definePlugin({
      spi: greeter,
      name: "warm",
      description: "Greets like a friend.",
      needs: { other: named(greeter, "formal") },
      setup: ({ deps }) => ({ api: { greet: (name) => `${deps.other.greet(name)} Hi!` } }),
    });
    const catalogue = [formal, warm].map((plugin) => pluginEntry(plugin));
    const config = { use: { greeter: ["warm", "formal"] }, options: { "greeter/formal": { title: "Prof." } } };
    await using kernel = await startKernel({ catalogue }, config);
    assert.equal(kernel.get(greeter).greet("Lee"), "Good day, Prof. Lee. Hi!");
    assert.deepEqual([...kernel.every(greeter).keys()], ["warm", "formal"]);
  });

  it("hands each plugin what it needs", async () => {
    const { actor, kernel: make, apply } = stage();
    const needs = {
      plain: store,
      all: every(bus),
      audit: named(bus, "audit"),
      maybe: optional(bus),
      none: optional(defineSpi<Actor>("nothing", { kind: "one" })),
      now: live(bus),
      allNow: live(every(bus)),
      maybeNow: live(optional(bus)),
      name: derived(store, (api) => api.name),
      nameOfNow: derived(named(bus, "audit"), (api) => api.name),
    };
    const kernel = make([
      actor(store, "postgres"),
      actor(bus, "nats"),
      actor(bus, "memory"),
      actor(service, "order", { needs }),
    ]);
    await apply(kernel, { store: "postgres", bus: { default: "nats", audit: "memory" }, service: "order" });
    const { deps } = kernel.get(service);
    const nats = kernel.get(bus);
    const memory = kernel.every(bus).get("audit");
    assert.equal(deps.plain, kernel.get(store));
    assert.deepEqual(
      [...(deps.all as Map<string, Actor>)],
      [
        ["default", nats],
        ["audit", memory],
      ],
    );
    assert.deepEqual([deps.audit, deps.maybe, deps.none], [memory, nats, undefined]);
    const current = (name: string) => (deps[name] as { current: unknown }).current;
    assert.deepEqual([current("now"), current("maybeNow"), current("allNow")], [nats, nats, kernel.every(bus)]);
    assert.deepEqual([deps.name, deps.nameOfNow], ["postgres", "memory"]);
  });

  it("starts needs first, and everything at once that can", async () => {
    const { actor, kernel: make, apply, ports, news } = stage();
    const slow = { setup: () => ports.timers.sleep(100) };
    const kernel = make([
      actor(store, "postgres", slow),
      actor(bus, "nats", slow),
      actor(service, "order", { ...slow, needs: { store, bus } }),
    ]);
    await apply(kernel, { service: "order", bus: "nats", store: "postgres" });
    assert.equal(ports.clock.now(), 200);
    assert.match(news(), /\+service\/order$/);
  });

  it("stops askers first, once, also through `await using`", async () => {
    const { actor, kernel: make, apply, news } = stage();
    const plugins = [actor(store, "postgres"), actor(service, "order", { needs: { store } })];
    {
      await using kernel = make(plugins);
      await apply(kernel, { service: "order", store: "postgres" });
      await Promise.all([kernel.stop(), kernel.stop()]);
    }
    assert.equal(news(), "+store/postgres +service/order -service/order -store/postgres");
  });

  it("stops an asker before what it only needs live, too", async () => {
    const { actor, kernel: make, apply, news } = stage();
    const kernel = make([actor(service, "order", { needs: { bus: live(bus) } }), actor(bus, "nats")]);
    await apply(kernel, { service: "order", bus: "nats" });
    await kernel.stop();
    assert.equal(news(), "+bus/nats +service/order -service/order -bus/nats");
  });

  it("says plainly when something is asked for that is not there", async () => {
    const { actor, kernel: make, apply } = stage();
    const kernel = make([actor(bus, "nats")]);
    const code = (expected: string) => (error: unknown) => error instanceof KernelError && error.code === expected;
    assert.throws(() => kernel.get(bus), code("NOT_SELECTED"));
    await apply(kernel, { bus: "nats" });
    assert.equal(kernel.get(bus).name, "nats");
    assert.deepEqual([...kernel.every(store)], []);
    await kernel.stop();
    assert.throws(() => kernel.get(bus), code("KERNEL_STOPPED"));
    const refused = await kernel.apply({ use: {}, options: {} });
    assert.ok(!refused.ok && refused.error.code === "KERNEL_STOPPED");
  });

  it("refuses a wrong configuration before anything starts, with all problems", async () => {
    const { actor, kernel: make, refuse, news } = stage();
    const kernel = make([actor(bus, "nats")]);
    const { error } = await refuse(kernel, { bus: ["natz", "nats"], stroe: "x" }, "CONFIG_INVALID");
    assert.deepEqual(
      error.problems.map(({ code }) => code),
      ["PLUGIN_UNKNOWN", "SPI_UNKNOWN"],
    );
    assert.match(
      error.message,
      /^2 problems in the configuration\..*\nuse\.bus\.0 {2}bus "natz".*Did you mean nats\?.*\nuse\.stroe {2}/,
    );
    assert.equal(news(), "");
  });

  it("takes another catalogue along with a configuration", async () => {
    const { actor, kernel: make, ports, refuse } = stage();
    const kernel = make([]);
    await refuse(kernel, { bus: "nats" }, "CONFIG_INVALID");
    const result = await ports.settle(
      kernel.apply({ use: { bus: "nats" }, options: {} }, [pluginEntry(actor(bus, "nats"))]),
    );
    assert.ok(result.ok);
  });
});

describe("a start that fails", () => {
  it("stops what had started, and names the plugin and its reason", async () => {
    const { actor, kernel: make, refuse, news } = stage();
    const kernel = make([
      actor(store, "postgres"),
      actor(bus, "nats", { needs: { store }, setup: failing("no port") }),
    ]);
    const { error } = await refuse(kernel, { bus: "nats", store: "postgres" }, "START_FAILED");
    assert.equal(error.subject, "bus/nats failed to start: no port");
    assert.equal((error.cause as Error).message, "no port");
    assert.deepEqual(
      error.problems.map(({ path }) => path),
      [["use", "bus"]],
    );
    assert.equal(news(), "+store/postgres -store/postgres");
  });

  it("gives up those still starting and is reported without them", async () => {
    const { actor, kernel: make, refuse, ports, news } = stage();
    const waits = actor(bus, "waits", {
      setup: ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    });
    const ignores = actor(bus, "ignores", { setup: () => ports.timers.sleep(50) });
    const also = actor(bus, "also", { setup: () => ports.timers.sleep(20).then(failing("me too")) });
    const first = actor(bus, "first", { setup: () => ports.timers.sleep(10).then(failing("me first")) });
    const kernel = make([waits, ignores, also, first]);
    const { error } = await refuse(kernel, { bus: ["waits", "ignores", "also", "first"] }, "START_FAILED");
    assert.equal(error.subject, "bus/first failed to start: me first");
    assert.deepEqual(
      error.problems.map(({ message }) => message),
      ["bus/first failed to start: me first"],
    );
    assert.equal(news(), "+bus/ignores -bus/ignores");
  });

  it("by hanging is given up at its deadline, and stopped if it wakes up later", async () => {
    const { actor, kernel: make, refuse, ports, news } = stage();
    let aborted: unknown;
    const slow = actor(bus, "slow", {
      setup: ({ signal }) => {
        signal.addEventListener("abort", () => {
          aborted = signal.reason;
        });
        return ports.timers.sleep(900);
      },
    });
    const kernel = make([actor(store, "postgres"), slow], { startTimeoutMs: 500 });
    const { error } = await refuse(kernel, { store: "postgres", bus: "slow" }, "START_TIMEOUT");
    assert.equal(ports.clock.now(), 500);
    assert.equal(error.subject, "bus/slow did not start within 500 ms.");
    assert.equal((aborted as KernelError).code, "START_TIMEOUT");
    assert.equal(news(), "+store/postgres -store/postgres");
    await ports.advance(400);
    assert.equal(news(), "+bus/slow -bus/slow");
  });

  it("because setup gives no api says so", async () => {
    const { kernel: make, refuse } = stage();
    const broken = definePlugin<Actor>({ spi: bus, name: "broken", description: "", setup: () => undefined as never });
    const { error } = await refuse(make([broken]), { bus: "broken" }, "SETUP_INVALID");
    assert.match(error.message, /the setup of bus\/broken returned no \{ api \}\. Let setup return \{ api, stop \}/);
  });

  it("because a derived need cannot be made names the asker", async () => {
    const { actor, kernel: make, refuse } = stage();
    const asker = actor(service, "asker", { needs: { x: derived(bus, failing("no such client")) } });
    const { error } = await refuse(
      make([asker, actor(bus, "nats")]),
      { service: "asker", bus: "nats" },
      "START_FAILED",
    );
    assert.equal(error.subject, "service/asker failed to start: no such client");
  });

  it("because a live need is read too early tells when to read it", async () => {
    const { actor, kernel: make, refuse } = stage();
    const a = actor(service, "a", { needs: { b: live(named(service, "b")) }, setup: ({ deps }) => deps.b.current });
    const b = actor(service, "b", { needs: { a: named(service, "a") } });
    const { error } = await refuse(make([a, b]), { service: ["a", "b"] }, "START_FAILED");
    assert.match(
      error.subject,
      /service\/a failed to start: service\/b does not run\..*read `current` of a live need at every use/,
    );
  });

  it("ends startKernel with nothing running", async () => {
    const { actor, ports, events } = stage();
    const catalogue = [actor(store, "postgres"), actor(bus, "nats", { needs: { store }, setup: failing("no") })].map(
      (one) => pluginEntry(one),
    );
    await assert.rejects(startKernel({ catalogue, ports }, { use: { bus: "nats", store: "postgres" }, options: {} }), {
      code: "START_FAILED",
    });
    assert.deepEqual(events, ["+store/postgres", "-store/postgres"]);
  });
});

describe("a stop that fails", () => {
  async function stopped(plugins: (made: ReturnType<typeof stage>) => Plugin[]) {
    const made = stage();
    const kernel = made.kernel(plugins(made), { stopTimeoutMs: 100 });
    await made.apply(kernel, { service: "order", store: "postgres" });
    const outcome = kernel.stop().then(
      () => undefined,
      (error: unknown) => error as KernelError,
    );
    return { error: await made.ports.settle(outcome), news: made.news(), ports: made.ports };
  }

  it("does not keep the rest from being stopped, and is reported with its plugin", async () => {
    const { error, news } = await stopped(({ actor }) => [
      actor(store, "postgres"),
      actor(service, "order", { needs: { store }, stop: failing("stuck") }),
    ]);
    assert.equal(error?.code, "STOP_FAILED");
    assert.deepEqual(
      error?.problems.map(({ code, message }) => `${code} ${message}`),
      ["STOP_FAILED service/order failed to stop: stuck"],
    );
    assert.equal(news, "+store/postgres +service/order -store/postgres");
  });

  it("by hanging is left behind at its deadline", async () => {
    const { error, news, ports } = await stopped(({ actor }) => [
      actor(store, "postgres"),
      actor(service, "order", { needs: { store }, stop: () => new Promise(() => undefined) }),
    ]);
    assert.match(error?.problems[0]?.message ?? "", /service\/order did not stop within 100 ms/);
    assert.equal(ports.clock.now(), 100);
    assert.match(news, /-store\/postgres$/);
  });
});

describe("a wrapper", () => {
  const wrapper = (spi: Spi<Actor>, name: string, order: number, events: string[]) =>
    definePlugin<Actor>({
      spi,
      name,
      description: "",
      wraps: true,
      order,
      setup({ inner, innerName }) {
        events.push(`+${name}(${innerName})`);
        return {
          api: { ...inner, name: `${name}(${inner.name})` },
          stop: () => void events.push(`-${name}(${innerName})`),
        };
      },
    });

  it("stands before what it wraps, and the kernel starts and stops both", async () => {
    const { actor, kernel: make, apply, events, news } = stage();
    const asker = actor(service, "asker", { needs: { bus } });
    const kernel = make([
      actor(bus, "nats"),
      wrapper(bus, "outer", 1, events),
      wrapper(bus, "inner", 2, events),
      asker,
    ]);
    await apply(kernel, { bus: ["nats", "inner", "outer"], service: "asker" });
    assert.equal((kernel.get(service).deps.bus as Actor).name, "outer(inner(nats))");
    assert.equal(kernel.get(bus).name, "outer(inner(nats))");
    await kernel.stop();
    assert.equal(
      news(),
      "+bus/nats +inner(nats) +outer(nats) +service/asker -service/asker -outer(nats) -inner(nats) -bus/nats",
    );
  });
});
