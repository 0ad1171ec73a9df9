import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callContext, type Invoker, type Method, noMetadata, type Reply, StatusError } from "@mortise/kernel";
import { filterConformance } from "@mortise/kernel/spi/filter.conformance";
import { Sample, sampleCall, sampleSite, virtualPorts } from "@mortise/kernel/testing";
import fc from "fast-check";
import { ordering } from "./ordering.ts";
import { orderingFilter } from "./ordering-filter.ts";

const reply: Reply = { response: {}, headers: noMetadata, trailers: () => noMetadata };

filterConformance({ name: "ordering", make: () => ({ subject: () => orderingFilter }) });

const wrapped = (fields: object, method: Method = Sample.methods.write) =>
  orderingFilter.wrap(
    sampleSite({ place: "provider", method, policy: { fields: { ordering: { key: "key", ...fields } } } }),
  );

/** Calls that take 10 ms each, with what was seen of them by key. */
function made(fields: object = {}, end?: Invoker) {
  const ports = virtualPorts();
  const seen = { order: [] as string[], inside: new Map<string, number>(), together: 0, most: 0 };
  const handler: Invoker = async (call) => {
    const { key, number } = call.request as { key: string; number: number };
    assert.equal(seen.inside.get(key) ?? 0, 0, `two of ${key} at a time`);
    seen.inside.set(key, 1);
    seen.most = Math.max(seen.most, ++seen.together);
    seen.order.push(`${key}${number}`);
    try {
      if (end) return await end(call);
      await ports.timers.sleep(10);
      return reply;
    } finally {
      seen.inside.set(key, 0);
      seen.together--;
    }
  };
  const invoke = wrapped(fields)?.(handler) as Invoker;
  const call = (key: string, number: number, timeoutMs = 60_000) =>
    invoke(sampleCall(callContext({ timeoutMs }, ports), { method: Sample.methods.write, request: { key, number } }));
  return { ports, seen, call };
}

describe("filter/ordering", () => {
  it("handles calls of a key one at a time and in order, and those of others meanwhile", async () => {
    const keys = fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.nat(20)), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(keys, async (calls) => {
        const { ports, seen, call } = made();
        const sent: string[] = [];
        const all = calls.map(async ([key, wait], i) => {
          await ports.timers.sleep(wait);
          sent.push(`${key}${i}`);
          await call(key, i);
        });
        await ports.settle(Promise.all(all));
        for (const key of "abc") {
          const of = (list: string[]) => list.filter((one) => one.startsWith(key));
          assert.deepEqual(of(seen.order), of(sent));
        }
      }),
      { numRuns: 50 },
    );
    const { ports, seen, call } = made();
    await ports.settle(Promise.all(["a", "b", "a", "c"].map((key, i) => call(key, i))));
    assert.equal(seen.most, 3);
  });

  it("refuses what the queue of a key, or all queues, cannot hold", async () => {
    const full = { code: "RESOURCE_EXHAUSTED", reason: "ORDERING_QUEUE_FULL", retryable: true };
    const key = made({ maxQueue: 1 });
    const running = [key.call("a", 0), key.call("a", 1), key.call("b", 2), key.call("b", 3)];
    await assert.rejects(key.call("a", 4), full);
    await key.ports.settle(Promise.all(running));
    await key.ports.settle(key.call("a", 5));

    const all = made({ maxWaiting: 1 });
    const others = [all.call("a", 0), all.call("b", 1), all.call("a", 2)];
    await assert.rejects(all.call("b", 3), full);
    await all.ports.settle(Promise.all(others));
    await all.ports.settle(Promise.all([all.call("b", 4), all.call("b", 5)]));
  });

  it("lets a call wait no longer than its deadline, and gives its turn to the next", async () => {
    const { ports, call, seen } = made();
    const calls = [call("a", 0), call("a", 1, 5), call("a", 2)];
    const ended = await ports.settle(Promise.allSettled(calls));
    assert.deepEqual(
      ended.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.deepEqual(seen.order, ["a0", "a2"]);
  });

  it("goes on after a call that fails", async () => {
    const { ports, call, seen } = made({}, () => Promise.reject(new StatusError("ABORTED", "no")));
    await ports.settle(Promise.allSettled([call("a", 0), call("a", 1), call("a", 2)]));
    assert.deepEqual(seen.order, ["a0", "a1", "a2"]);
  });

  it("keeps the turn of a stream until its end", async () => {
    const { watch } = Sample.methods;
    const invoke = wrapped(
      {},
      watch,
    )?.(async () => ({
      ...reply,
      response: (async function* () {
        yield { text: "1" };
      })(),
    })) as Invoker;
    const ports = virtualPorts();
    const call = () => invoke(sampleCall(callContext({}, ports), { method: watch }));
    const { response } = await call();
    let second = false;
    const next = call().then(() => (second = true));
    await ports.advance(0);
    assert.equal(second, false);
    for await (const _ of response as AsyncIterable<unknown>);
    await next;
    assert.equal(second, true);
  });

  it("names what is wrong with a key, and leaves streams of requests alone", () => {
    assert.throws(
      () => wrapped({ key: "sku" }),
      /key "sku": mortise.sample.v1.SampleRequest has no field "sku"; it has key, number/,
    );
    assert.throws(() => wrapped({ key: "key.part" }), /"key" is not a single value/);
    assert.equal(wrapped({}, Sample.methods.load), undefined);
  });

  it("is the plugin filter/ordering", () => assert.equal(ordering.id, "filter/ordering"));
});
