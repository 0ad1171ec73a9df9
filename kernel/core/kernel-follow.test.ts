import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Actor, stage } from "./kernel.fixture.ts";
import type { Kernel } from "./kernel.ts";
import { type LiveHandle, live } from "./needs.ts";
import type { Following } from "./plugin.ts";
import { defineSpi } from "./spi.ts";

const bus = defineSpi<Actor>("bus", { kind: "named" });
const service = defineSpi<Actor>("service", { kind: "named" });

/** Two servers that go along with changes of the bus, and a place to say how. */
function harbour() {
  const made = stage();
  const { actor, events } = made;
  const ways = new Map<string, (next: Actor) => Promise<Following | undefined> | Following | undefined>();
  const server = (name: string) =>
    actor(service, name, {
      needs: { bus: live(bus) },
      follow: ({ bus: { current } }) => {
        events.push(`${name} follows ${current.name}`);
        return ways.get(name)?.(current) as Following | undefined;
      },
    });
  const kernel = made.kernel([actor(bus, "nats"), actor(bus, "memory"), server("one"), server("two")], {
    startTimeoutMs: 500,
    stopTimeoutMs: 100,
  });
  return { ...made, kernel, ways };
}

const nowOf = (kernel: Kernel, name: string) =>
  (kernel.every(service).get(name)?.deps.bus as LiveHandle<Actor> | undefined)?.current.name;
const use = (name: string) => ({ bus: name, service: ["one", "two"] });

describe("a plugin that follows", () => {
  it("is asked before each flip after the first, and shown what will be", async () => {
    const { kernel, apply, news, ways } = harbour();
    await apply(kernel, use("nats"));
    assert.doesNotMatch(news(), /follows/);
    ways.set("two", () => {
      assert.equal(nowOf(kernel, "two"), "nats", "not flipped yet");
      return undefined;
    });
    await apply(kernel, use("memory"));
    assert.equal(news(), "+bus/memory one follows memory two follows memory -bus/nats");
    await apply(kernel, use("memory"));
    assert.equal(news(), "", "no change, no flip");
  });

  it("is told of the flip, and nothing old stops before it is done", async () => {
    const { kernel, apply, news, ways, events, ports } = harbour();
    await apply(kernel, use("nats"));
    const old = kernel.generation();
    old.enter();
    ways.set("one", () => ({
      async flipped(drained) {
        events.push(`flipped to ${nowOf(kernel, "one")}`);
        await drained;
        events.push("drained");
        await ports.timers.sleep(50);
        events.push("done");
      },
    }));
    news();
    const result = await ports.settle(kernel.apply({ use: use("memory"), options: {} }));
    assert.equal(news(), "+bus/memory one follows memory two follows memory flipped to memory");
    await ports.advance(1_000);
    assert.equal(news(), "");
    old.leave();
    assert.ok(result.ok);
    await ports.settle(result.settled);
    assert.equal(news(), "drained done -bus/nats");
  });

  it("gives the whole change up by rejecting; the ones before it take back what they did", async () => {
    const { kernel, apply, refuse, news, ways, events } = harbour();
    await apply(kernel, use("nats"));
    ways.set("one", () => ({ undo: () => void events.push("one undoes"), flipped: () => assert.fail("no flip") }));
    ways.set("two", () => Promise.reject(new Error("port taken")));
    news();
    const { error } = await refuse(kernel, use("memory"), "FOLLOW_FAILED");
    assert.equal(error.subject, "service/two cannot go along with the change: port taken");
    assert.equal(news(), "+bus/memory one follows memory two follows memory one undoes -bus/memory");
    assert.deepEqual([kernel.generation().id, nowOf(kernel, "one")], [1, "nats"]);
  });

  it("by hanging gives the change up at the deadline, and takes back what it does later", async () => {
    const { kernel, apply, refuse, ways, events, ports } = harbour();
    await apply(kernel, use("nats"));
    ways.set("two", async () => {
      await ports.timers.sleep(800);
      return { undo: () => void events.push("two undoes") };
    });
    const { error } = await refuse(kernel, use("memory"), "FOLLOW_FAILED");
    assert.match(error.subject, /service\/two cannot go along with the change: no answer within 500 ms/);
    assert.equal(ports.clock.now(), 500);
    await ports.advance(300);
    assert.equal(events.at(-1), "two undoes");
  });

  it("that fails or hangs after the flip is reported, and does not keep the old from being stopped", async () => {
    const { kernel, apply, news, ways, ports } = harbour();
    await apply(kernel, use("nats"));
    ways.set("one", () => ({ flipped: () => Promise.reject(new Error("no registry")) }));
    ways.set("two", () => ({ flipped: () => new Promise(() => undefined) }));
    const result = await ports.settle(kernel.apply({ use: use("memory"), options: {} }));
    assert.ok(result.ok);
    const { problems } = await ports.settle(result.settled);
    assert.deepEqual(
      problems.map(({ message }) => message),
      [
        "service/one failed after the flip: no registry",
        "service/two failed after the flip: no end within 100 ms after the last old work",
      ],
    );
    assert.match(news(), /-bus\/nats$/);
  });

  it("whose undoing fails is logged, and the change is given up all the same", async () => {
    const { kernel, apply, refuse, ways, logged } = harbour();
    await apply(kernel, use("nats"));
    ways.set("one", () => ({ undo: () => Promise.reject(new Error("cannot")) }));
    ways.set("two", () => Promise.reject(new Error("no")));
    await refuse(kernel, use("memory"), "FOLLOW_FAILED");
    assert.ok(logged.includes("service/one could not take back a change that was given up: cannot"));
    assert.equal(kernel.get(bus).name, "nats");
  });
});
