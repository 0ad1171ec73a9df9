import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { virtualPorts } from "@mortise/kernel/testing";
import { isPassing, repeating } from "./repeat.ts";

const failure = (code: string) => Object.assign(new Error(`it says ${code}`), { code });

describe("repeating", () => {
  it("goes on after what passes, with pauses that grow up to half a second", async () => {
    const ports = virtualPorts();
    const at: number[] = [];
    const work = async () => {
      at.push(ports.clock.now());
      if (at.length < 12) throw failure("CONNECTION_CLOSED");
      return "done";
    };
    assert.equal(await ports.settle(repeating(ports, 10_000)(work)), "done");
    const pauses = at.slice(1).map((time, i) => time - (at[i] as number));
    assert.ok((pauses[0] as number) <= 20 && pauses.every((pause) => pause <= 500));
    assert.ok(pauses.slice(-3).every((pause) => pause >= 250));
  });

  it("says UNAVAILABLE, with the cause, when it does not pass in time", async () => {
    const ports = virtualPorts();
    const cause = failure("ECONNREFUSED");
    const asked = repeating(ports, 1000)(() => Promise.reject(cause));
    await assert.rejects(ports.settle(asked), { code: "UNAVAILABLE", cause });
    assert.equal(ports.clock.now(), 1000);
  });

  it("says UNAVAILABLE when a connection is silent", async () => {
    const ports = virtualPorts();
    await assert.rejects(ports.settle(repeating(ports, 1000)(() => new Promise(() => undefined))), {
      code: "UNAVAILABLE",
    });
    assert.equal(ports.pending, 0);
  });

  for (const [code, status] of [
    ["22021", "INVALID_ARGUMENT"],
    ["22P05", "INVALID_ARGUMENT"],
    ["42P01", "INTERNAL"],
    ["CONNECTION_ENDED", "INTERNAL"],
  ] as const) {
    it(`gives up at once on ${code}: ${status}`, async () => {
      const ports = virtualPorts();
      let times = 0;
      const asked = repeating(
        ports,
        1000,
      )(() => {
        times++;
        return Promise.reject(failure(code));
      });
      await assert.rejects(asked, { code: status });
      assert.equal(times, 1);
    });
  }

  it("believes that lost connections, restarts, locks and read-only servers pass, and mistakes do not", () => {
    for (const code of ["08006", "57P01", "57014", "53300", "40001", "40P01", "55P03", "25006", "ECONNRESET"])
      assert.equal(isPassing(failure(code)), true, code);
    for (const code of ["22P02", "42703", "23514", "25P02", "", "EISDIR"])
      assert.equal(isPassing(failure(code)), false, code);
    assert.equal(isPassing("08006"), false);
  });
});
