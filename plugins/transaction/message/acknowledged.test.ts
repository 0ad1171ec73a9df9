import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { buyInTurn, buyWithPoints, redeliverMs, world } from "./paused-bus.fixture.ts";

describe("transaction/message when branches are acknowledged", () => {
  it("writes begin, decision and end for two participants, and nothing between them", async () => {
    const { sent, runMany, acknowledge, asked, open, stop } = await world();
    await runMany(1);
    await acknowledge(...sent);
    assert.deepEqual(asked(), ["begin", "decide", "get", "finish"]);
    assert.equal(open(), 0);
    await stop();
  });

  it("looks again where nobody acknowledges, though only the decision has put it off", async () => {
    const { ports, sent, runMany, stop } = await world();
    await runMany(1);
    await ports.advance(redeliverMs - 1_000);
    assert.equal(sent.length, 1);
    await ports.advance(redeliverMs);
    assert.deepEqual(
      sent.map(({ id }) => id.split(":").at(-1)),
      ["0", "1"],
    );
    await stop();
  });

  it("tells its end once, with what both gave, when the last two come at the same moment", async () => {
    const { sent, ends, runMany, acknowledge, record, stop } = await world(buyWithPoints);
    await runMany(1);
    await acknowledge(...sent);
    const [{ gid } = assert.fail("two are sent")] = sent;
    const { status, done, outputs } = record(gid) ?? assert.fail("it is kept");
    const given = Object.keys(outputs).toSorted();
    assert.deepEqual([status, done.toSorted(), given], ["committed", ["b2", "b3"], ["b2", "b3", "order"]]);
    assert.deepEqual(ends, [gid]);
    await stop();
  });

  it("ends it with the second where one comes after the other, and once however often they are repeated", async () => {
    const { sent, runMany, acknowledge, asked, open, stop } = await world(buyWithPoints);
    await runMany(1);
    for (const one of [...sent, ...sent]) await acknowledge(one);
    assert.equal(open(), 0);
    assert.equal(asked().filter((what) => what === "finish").length, 1);
    await stop();
  });

  it("sends no more branches of what is paused until it is resumed", async () => {
    const { ports, sent, runMany, acknowledge, pause, record, open, stop } = await world(buyInTurn);
    await runMany(1);
    const [one = assert.fail("one is sent")] = sent;
    await pause(one.gid, true);
    for (let time = 0; time < 2; time++) await acknowledge(one);
    await ports.advance(10 * redeliverMs);
    assert.deepEqual([sent.length, record(one.gid)?.done], [1, ["b2"]]);
    await pause(one.gid, false);
    await ports.advance(redeliverMs);
    assert.deepEqual(
      sent.map(({ branch }) => branch),
      ["b2", "b3"],
    );
    await acknowledge(...sent.slice(1));
    assert.equal(open(), 0);
    await stop();
  });

  it("keeps what was said where the bus does not take the end, and ends it when that is said again", async () => {
    const { sent, bus, runMany, acknowledge, record, open, stop } = await world();
    await runMany(1);
    const [one = assert.fail("one is sent")] = sent;
    bus(false);
    await assert.rejects(acknowledge(one), /the bus is away/);
    assert.deepEqual([record(one.gid)?.status, record(one.gid)?.done], ["committing", ["b2"]]);
    bus(true);
    await acknowledge(one);
    assert.equal(open(), 0);
    await stop();
  });
});
