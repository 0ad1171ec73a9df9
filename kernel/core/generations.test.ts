import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { generations } from "./generations.ts";

async function isSettled(promise: Promise<void>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

describe("generations", () => {
  it("follow one another, and only the last is current", () => {
    const { current, advance } = generations();
    const first = current();
    void advance();
    assert.deepEqual([first.id, first.current, current().id, current().current], [0, false, 1, true]);
  });

  it("are left when their last user has left", async () => {
    const { current, advance } = generations();
    const first = current();
    first.enter();
    first.enter();
    const left = advance();
    first.leave();
    assert.equal(await isSettled(left), false);
    first.leave();
    assert.equal(await isSettled(left), true);
  });

  it("wait for users of all older ones", async () => {
    const { current, advance } = generations();
    const first = current();
    first.enter();
    const leftFirst = advance();
    const second = current();
    second.enter();
    const leftSecond = advance();
    second.leave();
    assert.equal(await isSettled(leftSecond), false, "the first is still in use");
    first.leave();
    assert.equal(await isSettled(leftSecond), true);
    assert.equal(await isSettled(leftFirst), true);
  });

  it("that nobody uses are left at once", async () => {
    assert.equal(await isSettled(generations().advance()), true);
  });

  it("tell in which of them what serves an SPI has last changed", () => {
    const { current, advance } = generations();
    void advance(["filter", "store"]);
    void advance();
    void advance(["filter"]);
    assert.deepEqual(
      [...current().changes],
      [
        ["filter", 3],
        ["store", 1],
      ],
    );
  });

  it("end without a successor", () => {
    const { current, end } = generations();
    end();
    assert.equal(current().current, false);
  });
});
