import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import { type Actor, stage } from "./kernel.fixture.ts";
import { type LiveHandle, live } from "./needs.ts";
import { defineSpi } from "./spi.ts";

const door = defineSpi<Actor>("door", { kind: "named" });
const service = defineSpi<Actor>("service", { kind: "named" });
const options = z.object({ port: z.number().default(80), broken: z.boolean().default(false) });

/** `door/port` holds a port: starting a second one while the first holds it fails, and `broken` fails always. */
function street() {
  const made = stage();
  const { actor } = made;
  const held = new Set<number>();
  let comesBack = true;
  const take = ({ port, broken }: z.infer<typeof options>) => {
    if (held.has(port)) throw new Error(`port ${port} is taken`);
    if (broken || !comesBack) throw new Error("out of order");
    held.add(port);
  };
  const port = actor(door, "port", {
    options,
    exclusive: true,
    setup: (given) => take(given.options as z.infer<typeof options>),
    stop: () => held.clear(),
  });
  const plain = actor(service, "plain", { needs: { door } });
  const aware = actor(service, "aware", { needs: { door: live(door) } });
  const other = actor(service, "other", { needs: {} });
  const kernel = made.kernel([port, plain, aware, other]);
  return {
    ...made,
    kernel,
    breakForGood: () => {
      comesBack = false;
    },
  };
}

describe("an exclusive plugin", () => {
  it("stops, with what stands on it, before its successor starts", async () => {
    const { kernel, apply, news } = street();
    await apply(kernel, { door: "port", service: ["plain", "aware"] });
    news();
    const { ended } = await apply(
      kernel,
      { door: "port", service: ["plain", "aware", "other"] },
      { "door/port": { broken: false, port: 80 } },
    );
    assert.deepEqual(ended, [], "equal options change nothing");
    assert.equal(news(), "+service/other");
    await apply(kernel, { door: "port", service: ["plain", "aware"] }, { "door/port": { port: 81 } });
    assert.equal(news(), "-service/plain -door/port +door/port +service/plain -service/other");
  });

  it("stops only after what needs neither has started", async () => {
    const { kernel, apply, news } = street();
    await apply(kernel, { door: "port" });
    news();
    await apply(kernel, { door: "port", service: "other" }, { "door/port": { port: 81 } });
    assert.equal(news(), "+service/other -door/port +door/port");
  });

  it("comes back when its successor fails, and so does all that stands on it", async () => {
    const { kernel, apply, refuse, news } = street();
    const use = { door: "port", service: ["plain", "aware"] };
    await apply(kernel, use);
    const before = kernel.get(door);
    const aware = kernel.every(service).get("aware");
    news();
    await refuse(kernel, use, "START_FAILED", { "door/port": { broken: true } });
    assert.equal(news(), "-service/plain -door/port +door/port +service/plain");
    const after = kernel.get(door);
    assert.notEqual(after, before);
    assert.ok(after.running);
    assert.equal(kernel.generation().id, 2, "whoever compiled something against the old one must know");
    assert.equal((aware?.deps.door as LiveHandle<Actor> | undefined)?.current, after);
    assert.equal(kernel.every(service).get("plain")?.deps.door, after);
    await apply(kernel, use, { "door/port": { port: 81 } });
    assert.equal(news(), "-service/plain -door/port +door/port +service/plain");
  });

  it("that does not come back is reported, and missing until a change that works", async () => {
    const { kernel, apply, refuse, breakForGood } = street();
    const use = { door: "port", service: ["plain", "aware", "other"] };
    await apply(kernel, use);
    breakForGood();
    const { error } = await refuse(kernel, use, "START_FAILED", { "door/port": { port: 81 } });
    assert.deepEqual(
      error.problems.map(({ code, message }) => `${code} ${message}`),
      [
        "START_FAILED door/port failed to start: out of order",
        "ROLLBACK_FAILED after the change was given up: door/port failed to start: out of order",
      ],
    );
    assert.throws(() => kernel.get(door), { code: "NOT_RUNNING" });
    assert.deepEqual(
      kernel
        .explain()
        .plugins.filter(({ running }) => !running)
        .map(({ id }) => id),
      ["door/port", "service/plain"],
    );
    await apply(kernel, { service: "other" });
    assert.equal(kernel.get(service).running, true);
    await kernel.stop();
  });

  it("waits for one of an older generation that still drains", async () => {
    const { kernel, apply, ports, news } = street();
    await apply(kernel, { door: "port", service: "other" });
    const old = kernel.generation();
    old.enter();
    await ports.settle(kernel.apply({ use: { service: "other" }, options: {} }));
    news();
    const again = kernel.apply({ use: { door: "port" }, options: {} });
    await ports.advance(100);
    assert.equal(news(), "", "the first one still holds the port");
    old.leave();
    const result = await ports.settle(again);
    assert.ok(result.ok);
    assert.match(news(), /^-door\/port \+door\/port/);
  });
});
