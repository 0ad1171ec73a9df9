import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { virtualPorts } from "../testing/virtual-ports.ts";
import { withDeadline } from "./deadline.ts";

describe("a deadline", () => {
  const late = () => new Error("late");
  const never = new Promise<never>(() => undefined);

  it("gives what the work gives, or how it fails, and leaves no timer behind", async () => {
    const { timers, ...ports } = virtualPorts();
    assert.equal(await withDeadline(timers, { ms: 10, late }, Promise.resolve(7)), 7);
    await assert.rejects(withDeadline(timers, { ms: 10, late }, Promise.reject(new Error("broken"))), /broken/);
    assert.equal(ports.pending, 0);
  });

  it("ends the wait on time", async () => {
    const ports = virtualPorts();
    await assert.rejects(ports.settle(withDeadline(ports.timers, { ms: 10, late }, never)), /late/);
    assert.equal(ports.clock.now(), 10);
  });

  it("comes closer when there is a hurry, before or during the wait", async () => {
    for (const hurryAt of [0, 30]) {
      const ports = virtualPorts();
      const hurry = new AbortController();
      if (hurryAt === 0) hurry.abort();
      else ports.timers.after(hurryAt, () => hurry.abort());
      const limit = { ms: 1_000, late, hurry: { signal: hurry.signal, ms: 50 } };
      await assert.rejects(ports.settle(withDeadline(ports.timers, limit, never)), /late/);
      assert.equal(ports.clock.now(), hurryAt + 50);
    }
  });

  it("does not move away in a hurry", async () => {
    const ports = virtualPorts();
    const limit = { ms: 20, late, hurry: { signal: AbortSignal.abort(), ms: 500 } };
    await assert.rejects(ports.settle(withDeadline(ports.timers, limit, never)), /late/);
    assert.equal(ports.clock.now(), 20);
  });
});
