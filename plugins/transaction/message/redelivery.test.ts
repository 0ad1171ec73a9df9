import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { redeliverAtOnce, redeliverMs, world } from "./paused-bus.fixture.ts";

describe("transaction/message over a bus whose consumers are paused", () => {
  it("sends each branch once, and waits before it sends any again", async () => {
    const { ports, sent, runMany, stop } = await world();
    await runMany(400);
    assert.equal(sent.length, 400);
    await ports.advance(redeliverMs - 1_000);
    assert.equal(sent.length, 400);
    assert.equal(new Set(sent.map(({ id }) => id)).size, 400);
    await stop();
  });

  it("stays within the bound of what is sent again, however long that lasts and however much is open", async () => {
    const { ports, sent, runMany, stop } = await world();
    await runMany(400);
    for (let minutes = 0; minutes < 30; minutes++) await ports.advance(60_000);
    const windows = 4 + 30; // 5, 10, 20 and 40 s, then a minute each
    const again = sent.length - 400;
    assert.ok(again > 0 && again <= windows * redeliverAtOnce, `${again} were sent again`);
    await stop();
  });

  it("ends all of them when they are acknowledged, and sends nothing more", async () => {
    const { ports, sent, runMany, acknowledge, open, stop } = await world();
    await runMany(100);
    await ports.advance(20_000);
    for (const one of [...sent]) await acknowledge(one);
    await ports.advance(1);
    assert.equal(open(), 0);
    const before = sent.length;
    await ports.advance(300_000);
    assert.equal(sent.length, before);
    await stop();
  });

  it("sends soon, and under its first id, what a bus that was away did not take", async () => {
    const { ports, bus, sent, runMany, stop } = await world();
    bus(false);
    await runMany(100);
    await ports.advance(10_000);
    assert.equal(sent.length, 0);
    bus(true);
    await ports.advance(3_000);
    assert.equal(sent.length, 100);
    assert.ok(sent.every(({ id }) => id.endsWith(":0")));
    await stop();
  });

  it("heals the loss of what the bus had taken", async () => {
    const { ports, sent, runMany, acknowledge, open, stop } = await world();
    await runMany(20);
    const lost = new Set(sent.map(({ id }) => id));
    await ports.advance(20_000);
    for (const one of sent.filter(({ id }) => !lost.has(id))) await acknowledge(one);
    await ports.advance(1);
    assert.equal(open(), 0);
    await stop();
  });
});
