import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { backgroundOf, StatusError } from "@mortise/kernel";
import { virtualPorts } from "@mortise/kernel/testing";
import { makeChanges, watch } from "./changes.ts";

function watched(values: readonly number[]) {
  const ports = virtualPorts();
  const changes = makeChanges(ports);
  const seen: number[] = [];
  let at = 0;
  const options = {
    read: async () => values[Math.min(at, values.length - 1)] ?? 0,
    version: String,
    final: (value: number) => value < 0,
    changes,
    pollMs: 1000,
  };
  const step = (notify: boolean) => {
    at += 1;
    if (notify) changes.notify();
  };
  const follow = async (call = backgroundOf(ports)) => {
    for await (const value of watch(options, call)) seen.push(value);
  };
  return { ports, seen, step, follow };
}

describe("watching a value", () => {
  it("gives it now, after each change at once, and ends with the final one", async () => {
    const { ports, seen, step, follow } = watched([1, 2, -1]);
    const done = follow();
    await ports.advance(0);
    assert.deepEqual(seen, [1]);
    step(true);
    await ports.advance(0);
    assert.deepEqual(seen, [1, 2]);
    step(true);
    await ports.advance(0);
    await done;
    assert.deepEqual(seen, [1, 2, -1]);
  });

  it("sees a change nobody told of when it looks next", async () => {
    const { ports, seen, step, follow } = watched([1, -2]);
    const done = follow();
    await ports.advance(0);
    step(false);
    await ports.advance(999);
    assert.deepEqual(seen, [1]);
    await ports.advance(1);
    await done;
    assert.deepEqual(seen, [1, -2]);
  });

  it("is silent while nothing changes", async () => {
    const { ports, seen, step, follow } = watched([5, 5, 5, -1]);
    const done = follow();
    for (let times = 0; times < 3; times++) {
      await ports.advance(1000);
      step(true);
    }
    await ports.advance(0);
    await done;
    assert.deepEqual(seen, [5, -1]);
  });

  it("ends when the call is over, and leaves no timer behind", async () => {
    const { ports, seen, follow } = watched([1]);
    const gone = new AbortController();
    const done = follow(backgroundOf(ports).with({ signal: gone.signal }));
    await ports.advance(0);
    gone.abort(new StatusError("CANCELLED", "gone"));
    await done;
    assert.deepEqual(seen, [1]);
    assert.equal(ports.pending, 0);
  });

  it("misses no change that happens while it reads", async () => {
    const ports = virtualPorts();
    const changes = makeChanges(ports);
    const before = changes.count;
    changes.notify();
    await changes.after(before, 1000, backgroundOf(ports));
    assert.equal(ports.pending, 0);
  });
});
