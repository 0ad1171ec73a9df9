import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keptLog, silentLog, virtualPorts } from "../testing/index.ts";
import { makeWorker } from "./worker.ts";

describe("a worker", () => {
  it("works at its start, on time and when woken", async () => {
    const ports = virtualPorts();
    let runs = 0;
    const work = async () => {
      runs += 1;
      return false;
    };
    const worker = makeWorker({ name: "test", everyMs: 100, ports, log: silentLog, work });
    worker.wake();
    await ports.advance(1000);
    assert.equal(runs, 0);
    worker.start();
    await ports.advance(250);
    assert.equal(runs, 3);
    worker.wake();
    await ports.advance(0);
    assert.equal(runs, 4);
    await worker.stop();
    worker.wake();
    await ports.advance(1000);
    assert.equal(runs, 4);
  });

  it("goes on at once while there is more to do", async () => {
    const ports = virtualPorts();
    let left = 5;
    const worker = makeWorker({ name: "test", everyMs: 100, ports, log: silentLog, work: async () => --left > 0 });
    worker.start();
    await ports.advance(1);
    assert.equal(left, 0);
    await worker.stop();
  });

  it("runs once more when it is woken while working, never twice at a time", async () => {
    const ports = virtualPorts();
    const open: (() => void)[] = [];
    const work = () => new Promise<boolean>((resolve) => open.push(() => resolve(false)));
    const worker = makeWorker({ name: "test", everyMs: 1000, ports, log: silentLog, work });
    worker.start();
    worker.wake();
    worker.wake();
    assert.equal(open.length, 1);
    open[0]?.();
    await ports.advance(0);
    assert.equal(open.length, 2);
    const stopped = worker.stop();
    open[1]?.();
    await stopped;
    assert.equal(open.length, 2);
  });

  it("logs what failed and tries again", async () => {
    const ports = virtualPorts();
    const log = keptLog();
    let runs = 0;
    const work = async () => {
      runs += 1;
      throw new Error("away");
    };
    const worker = makeWorker({ name: "test", everyMs: 100, ports, log, work });
    worker.start();
    await ports.advance(150);
    assert.equal(runs, 2);
    const warnings = log.lines.map((line) => line.message);
    assert.deepEqual(warnings, Array(2).fill("test failed and will be tried again in 100 ms"));
    await worker.stop();
  });
});
