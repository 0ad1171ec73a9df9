import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import { type Actor, type Acts, type Stage, stage } from "./kernel.fixture.ts";
import type { Applied, Kernel } from "./kernel.ts";
import { every, type LiveHandle, live, type Needs, optional } from "./needs.ts";
import { defineSpi } from "./spi.ts";

const store = defineSpi<Actor>("store", { kind: "one" });
const bus = defineSpi<Actor>("bus", { kind: "named" });
const service = defineSpi<Actor>("service", { kind: "named" });
const options = z.object({ port: z.number().default(0) });

/** A stage with a kernel and the actors `bus/nats`, `bus/memory`, `store/postgres` and `service/order`. */
function shop<const N extends Needs>(order: Acts<N>, others: { readonly [name: string]: Acts<Needs> } = {}) {
  const made = stage();
  const { actor } = made;
  const kernel = made.kernel([
    actor(bus, "nats", { options, ...others.nats }),
    actor(bus, "memory", { ...others.memory }),
    actor(store, "postgres", { options, ...others.postgres }),
    actor(service, "order", order),
    actor(service, "idle", { ...others.idle }),
  ]);
  return { ...made, kernel };
}

const handle = (deps: Actor["deps"], name: string) => deps[name] as LiveHandle<Actor | undefined>;

describe("a change", () => {
  it("keeps what stays the same and starts and stops only the rest", async () => {
    const { kernel, apply, news } = shop({ needs: { store } });
    await apply(kernel, { service: "order", store: "postgres", bus: "nats" });
    const order = kernel.get(service);
    news();
    const { started, kept, ended, generation } = await apply(kernel, {
      service: "order",
      store: "postgres",
      bus: "memory",
    });
    assert.equal(news(), "+bus/memory -bus/nats");
    assert.deepEqual([started, kept, ended], [["bus/memory"], ["store/postgres", "service/order"], ["bus/nats"]]);
    assert.equal(kernel.get(service), order);
    assert.equal(generation, 2);
  });

  it("to the same is none: the generation stays", async () => {
    const { kernel, apply, news } = shop({ needs: { store } });
    await apply(kernel, { service: "order", store: "postgres" });
    news();
    const again = await apply(kernel, { service: "order", store: "postgres" }, { "store/postgres": { port: 0 } });
    assert.deepEqual([news(), again.generation, again.started, again.ended], ["", 1, [], []]);
  });

  it("of the order alone is one: the default changes and nothing restarts", async () => {
    const { kernel, apply, news } = shop({ needs: { now: live(bus), all: live(every(bus)) } });
    await apply(kernel, { service: "order", bus: ["nats", "memory"] });
    news();
    const { generation } = await apply(kernel, { service: "order", bus: ["memory", "nats"] });
    assert.deepEqual([news(), generation, kernel.get(bus).name], ["", 2, "memory"]);
    const { deps } = kernel.get(service);
    assert.equal(handle(deps, "now").current?.name, "memory");
    assert.deepEqual([...(handle(deps, "all").current as unknown as Map<string, Actor>).keys()], ["memory", "nats"]);
  });

  it("of a plain need restarts the asker after it; of a live need turns its handle", async () => {
    const { kernel, apply, news } = shop({ needs: { store, bus: live(bus), maybe: live(optional(bus)) } });
    const use = { service: "order", store: "postgres", bus: "nats" };
    await apply(kernel, use);
    news();
    await apply(kernel, use, { "store/postgres": { port: 1 } });
    assert.equal(news(), "+store/postgres +service/order -service/order -store/postgres");
    const { deps } = kernel.get(service);
    await apply(kernel, { ...use, bus: "memory" }, { "store/postgres": { port: 1 } });
    assert.equal(news(), "+bus/memory -bus/nats");
    assert.equal(handle(deps, "bus").current, kernel.get(bus));
    assert.equal(kernel.get(service).deps, deps);
  });

  it("leaves a live map alone while its content is the same", async () => {
    const { kernel, apply } = shop({ needs: { all: live(every(bus)) } });
    await apply(kernel, { service: "order", bus: "nats" });
    const { all } = kernel.get(service).deps as { all: LiveHandle<unknown> };
    const before = all.current;
    await apply(kernel, { service: "order", bus: "nats", store: "postgres" });
    assert.equal(all.current, before);
    await apply(kernel, { service: "order", bus: ["nats", "memory"] });
    assert.notEqual(all.current, before);
  });

  it("that fails leaves everything as it was, also the live handles", async () => {
    const failing = () => Promise.reject(new Error("no broker"));
    const { kernel, apply, refuse, news } = shop({ needs: { bus: live(bus) } }, { memory: { setup: failing } });
    await apply(kernel, { service: "order", bus: "nats" });
    const nats = kernel.get(bus);
    news();
    const { error } = await refuse(kernel, { service: ["order", "idle"], bus: "memory" }, "START_FAILED");
    assert.match(error.message, /bus\/memory failed to start: no broker/);
    assert.equal(news(), "+service/idle -service/idle");
    assert.deepEqual([kernel.generation().id, kernel.get(bus)], [1, nats]);
    assert.equal(handle(kernel.get(service).deps, "bus").current, nats);
    await refuse(kernel, { service: "order", bus: "mmory" }, "CONFIG_INVALID");
    assert.equal(kernel.get(bus).running, true);
  });

  it("shows a starting plugin the new, and all others the old until the flip", async () => {
    const seen: string[] = [];
    const made = stage();
    const { actor, ports, apply } = made;
    const needs = { bus: live(bus) };
    const look = (who: string, { current }: LiveHandle<Actor>) => seen.push(`${who} ${current.name}`);
    const kernel = made.kernel([
      actor(bus, "nats"),
      actor(bus, "memory"),
      actor(service, "old", { needs }),
      actor(service, "new", {
        needs,
        setup: async ({ deps }) => {
          look("new", deps.bus);
          await ports.timers.sleep(10);
          look("old", kernel.get(service).deps.bus as LiveHandle<Actor>);
        },
      }),
    ]);
    await apply(kernel, { service: "old", bus: "nats" });
    await apply(kernel, { service: ["old", "new"], bus: "memory" });
    look("old", kernel.get(service).deps.bus as LiveHandle<Actor>);
    assert.deepEqual(seen, ["new memory", "old nats", "old memory"]);
  });

  it("comes after the one before it, however quickly they are asked for", async () => {
    const made = stage();
    const { actor, ports, news } = made;
    const slow = { setup: () => ports.timers.sleep(10) };
    const kernel = made.kernel([actor(bus, "nats", slow), actor(bus, "memory", slow)]);
    const results = ["nats", "memory", "nats"].map((name) => kernel.apply({ use: { bus: name }, options: {} }));
    const applied = await ports.settle(Promise.all(results));
    await ports.settle(Promise.all(applied.map((one) => (one as Applied).settled)));
    assert.equal(news(), "+bus/nats +bus/memory -bus/nats +bus/nats -bus/memory");
    assert.deepEqual(
      applied.map((one) => one.ok && one.generation),
      [1, 2, 3],
    );
  });

  it("tells listeners of the flip, whatever another listener does", async () => {
    const { kernel, apply, logged } = shop({});
    const heard: string[] = [];
    kernel.onFlip(() => {
      throw new Error("deaf");
    });
    const end = kernel.onFlip(({ id }) => heard.push(`${id} ${kernel.every(bus).size}`));
    await apply(kernel, { bus: "nats" });
    await apply(kernel, { bus: ["nats", "memory"] });
    end();
    await apply(kernel, { bus: "nats" });
    assert.deepEqual(heard, ["1 1", "2 2"]);
    assert.ok(logged.includes("a listener failed after the flip: deaf"));
  });
});

describe("work under way", () => {
  async function swapped({ apply, kernel, ports, news }: Pick<Stage, "apply" | "ports" | "news"> & { kernel: Kernel }) {
    await apply(kernel, { bus: "nats" });
    const old = kernel.generation();
    old.enter();
    const result = await ports.settle(kernel.apply({ use: { bus: "memory" }, options: {} }));
    assert.ok(result.ok);
    assert.equal(news(), "+bus/nats +bus/memory");
    return { old, settled: result.settled };
  }

  it("keeps what it uses running until it has left", async () => {
    const made = shop({});
    const { old, settled } = await swapped(made);
    assert.equal(old.current, false);
    await made.ports.advance(5_000);
    assert.equal(made.news(), "");
    old.leave();
    await settled;
    assert.equal(made.news(), "-bus/nats");
  });

  it("does not keep later changes from being made, and is not forgotten by them", async () => {
    const made = shop({});
    const { old, settled } = await swapped(made);
    const next = await made.ports.settle(made.kernel.apply({ use: { bus: "nats", store: "postgres" }, options: {} }));
    assert.ok(next.ok);
    await made.ports.advance(0);
    assert.equal(made.news(), "+bus/nats +store/postgres", "the second nats serves while the first one drains");
    old.leave();
    await Promise.all([settled, next.settled]);
    assert.equal(made.news(), "-bus/nats -bus/memory");
  });

  it("is cut at the drain deadline, which is reported", async () => {
    const made = shop({});
    const { settled } = await swapped(made);
    const { problems } = await made.ports.settle(settled);
    assert.equal(made.ports.clock.now(), 30_000);
    assert.deepEqual(
      problems.map(({ code, message }) => `${code} ${message}`),
      ["DRAIN_TIMEOUT work of older generations was still under way after 30000 ms; stopped all the same: bus/nats."],
    );
    assert.equal(made.news(), "-bus/nats");
  });

  it("is not waited for when the kernel stops", async () => {
    const made = shop({});
    await swapped(made);
    await made.ports.settle(made.kernel.stop());
    assert.equal(made.ports.clock.now(), 0);
    assert.equal(made.news(), "-bus/nats -bus/memory");
  });

  it("in a plugin that stops badly is reported when all is settled", async () => {
    const made = shop({}, { nats: { stop: () => Promise.reject(new Error("stuck")) } });
    const { old, settled } = await swapped(made);
    old.leave();
    assert.deepEqual(
      (await settled).problems.map(({ code }) => code),
      ["STOP_FAILED"],
    );
  });
});

describe("stopping a kernel", () => {
  it("gives up a change that is under way", async () => {
    const made = stage();
    const { actor, ports, news } = made;
    const kernel = made.kernel(
      [actor(store, "postgres"), actor(bus, "slow", { setup: () => ports.timers.sleep(60_000) })],
      {
        stopTimeoutMs: 100,
      },
    );
    const change = kernel.apply({ use: { bus: "slow", store: "postgres" }, options: {} });
    await ports.advance(10);
    await ports.settle(kernel.stop());
    const result = await change;
    assert.equal(!result.ok && result.error.code, "START_TIMEOUT");
    assert.equal(ports.clock.now(), 110);
    assert.equal(news(), "+store/postgres -store/postgres");
    await ports.advance(60_000);
    assert.equal(news(), "+bus/slow -bus/slow", "who wakes up late is stopped");
  });
});
