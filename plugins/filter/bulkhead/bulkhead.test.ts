import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callContext, noMetadata, type Reply, StatusError } from "@mortise/kernel";
import { filterConformance } from "@mortise/kernel/spi/filter.conformance";
import { sampleCall, sampleSite, virtualPorts } from "@mortise/kernel/testing";
import fc from "fast-check";
import { bulkhead } from "./bulkhead.ts";
import { bulkheadFilter } from "./bulkhead-filter.ts";

const reply: Reply = { response: {}, headers: noMetadata, trailers: () => noMetadata };

filterConformance({ name: "bulkhead", make: () => ({ subject: () => bulkheadFilter }) });

/** Calls that take `ms` each through a bulkhead, with what was seen of them. */
function made(maxConcurrent: number, maxQueue: number, ms = 10) {
  const ports = virtualPorts();
  const site = sampleSite({ place: "provider", policy: { fields: { bulkhead: { maxConcurrent, maxQueue } } } });
  const seen = { now: 0, most: 0, order: [] as number[] };
  const invoke = bulkheadFilter.wrap(site)?.(async ({ request }) => {
    seen.order.push((request as { number: number }).number);
    seen.most = Math.max(seen.most, ++seen.now);
    try {
      await ports.timers.sleep(ms);
      return reply;
    } finally {
      seen.now--;
    }
  });
  const call = (number: number, timeoutMs = 60_000) =>
    (invoke as NonNullable<typeof invoke>)(
      sampleCall(callContext({ timeoutMs }, ports), { request: { key: "", number } }),
    );
  return { ports, seen, call };
}

describe("filter/bulkhead", () => {
  it("never runs more than its number, keeps the order, and refuses what its queue cannot hold", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 5 }),
        fc.integer({ min: 1, max: 20 }),
        async (concurrent, queue, calls) => {
          const { ports, seen, call } = made(concurrent, queue);
          const outcomes = Array.from({ length: calls }, (_, i) =>
            call(i).then(
              () => "done",
              (error: StatusError) => error.reason,
            ),
          );
          const results = await ports.settle(Promise.all(outcomes));
          const served = Math.min(calls, concurrent + queue);
          assert.deepEqual(
            results,
            Array.from({ length: calls }, (_, i) => (i < served ? "done" : "BULKHEAD_FULL")),
          );
          assert.deepEqual(
            seen.order,
            Array.from({ length: served }, (_, i) => i),
          );
          assert.equal(seen.most, Math.min(concurrent, calls));
        },
      ),
    );
  });

  it("lets a call wait no longer than its deadline, and gives its place to the next", async () => {
    const { ports, call, seen } = made(1, 1, 100);
    const first = call(0);
    const late = call(1, 50);
    await assert.rejects(ports.settle(late), { code: "DEADLINE_EXCEEDED" });
    const next = call(2);
    await ports.settle(Promise.all([first, next]));
    assert.deepEqual(seen.order, [0, 2]);
  });

  it("frees the place of a call that fails", async () => {
    const ports = virtualPorts();
    const site = sampleSite({ place: "provider", policy: { fields: { bulkhead: { maxConcurrent: 1 } } } });
    const invoke = bulkheadFilter.wrap(site)?.(() => Promise.reject(new StatusError("ABORTED", "no")));
    for (let i = 0; i < 3; i++) {
      await assert.rejects(invoke?.(sampleCall(callContext({}, ports))) as Promise<Reply>, { code: "ABORTED" });
    }
  });

  it("says what is full", async () => {
    const { call, ports } = made(1, 0);
    const first = call(0);
    await assert.rejects(call(1), { code: "RESOURCE_EXHAUSTED", message: /is doing 1 calls and its queue is full/ });
    await ports.settle(first);
  });

  it("is the plugin filter/bulkhead", () => assert.equal(bulkhead.id, "filter/bulkhead"));
});
