import assert from "node:assert/strict";
import type { Call, Invoker, Reply } from "../call/call.ts";
import { callContext } from "../call/call-context.ts";
import { metadata, noMetadata } from "../call/metadata.ts";
import type { Place } from "../call/site.ts";
import { StatusError } from "../call/status.ts";
import type { Method } from "../contract/types.ts";
import type { Ports } from "../core/ports.ts";
import { conformance } from "../testing/conformance.ts";
import { Sample, SampleTopic, sampleCall, sampleInstance, sampleSite } from "../testing/samples.ts";
import { type VirtualPorts, virtualPorts } from "../testing/virtual-ports.ts";
import type { Filter } from "./filter.ts";

/** Makes the filter with its default options on these ports. */
export type FilterSubject = (ports: Ports) => Filter;

interface Stand {
  readonly ports: VirtualPorts;
  /** What the filter makes of `end` for a method at this place. */
  around(end: Invoker, method?: Method): Invoker;
  /** A valid call, frozen, with all the time it needs. */
  call(method?: Method, request?: unknown): Call;
}

const places: readonly Place[] = ["call", "attempt", "provider"];
const answer: Reply = Object.freeze({
  response: { text: "there" },
  headers: metadata({ "x-from": "end" }),
  trailers: () => metadata({ "x-last": "end" }),
});

function stand(make: FilterSubject, place: Place): Stand {
  const ports = virtualPorts();
  const filter = make(ports);
  return {
    ports,
    around: (end, method = Sample.methods.read) => filter.wrap(sampleSite({ place, method }))?.(end) ?? end,
    call(method = Sample.methods.read, request = { key: "k", number: 1 }) {
      const context = callContext({ timeoutMs: 60_000 }, ports);
      const instance = place === "attempt" ? sampleInstance("1") : undefined;
      return Object.freeze(sampleCall(context, { method, request, instance }));
    },
  };
}

const law = (law: string, check: (stand: Stand) => void | Promise<void>) => ({
  law,
  async check(make: FilterSubject) {
    for (const place of places) await check(stand(make, place));
  },
});

async function* numbers(count: number, close: () => void) {
  try {
    for (let number = 0; number < count; number++) yield { text: `${number}` };
  } finally {
    close();
  }
}

const streamed =
  (response: AsyncIterable<unknown>): Invoker =>
  async () => ({
    response,
    headers: noMetadata,
    trailers: () => noMetadata,
  });

async function read(stream: unknown, count = Number.POSITIVE_INFINITY): Promise<string[]> {
  const texts: string[] = [];
  for await (const { text } of stream as AsyncIterable<{ readonly text: string }>) {
    if (texts.push(text) === count) break;
  }
  return texts;
}

/** What every filter keeps to for calls it has nothing against, at each of the three places. */
export const filterConformance = conformance<FilterSubject>("filter", [
  law("passes the request on and the reply back", async ({ ports, around, call }) => {
    const seen: Call[] = [];
    const given = call();
    const reply = await ports.settle(
      around(async (one) => {
        seen.push(one);
        return answer;
      })(given),
    );
    assert.equal(reply.response, answer.response);
    assert.equal(reply.headers.get("x-from"), "end");
    assert.equal(reply.trailers().get("x-last"), "end");
    assert.deepEqual(
      seen.map(({ method, request, instance }) => ({ method, request, instance })),
      [{ method: given.method, request: given.request, instance: given.instance }],
    );
  }),
  law("keeps what the context carries", async ({ ports, around, call }) => {
    const given = call();
    const context = given.context.with({ tenant: "t", metadata: { a: "1" }, idempotencyKey: "k", baggage: { b: "2" } });
    await ports.settle(
      around(async (one) => {
        const { tenant, idempotencyKey, baggage, outgoing, deadline } = one.context;
        assert.deepEqual(
          { tenant, idempotencyKey, baggage },
          { tenant: "t", idempotencyKey: "k", baggage: { b: "2" } },
        );
        assert.equal(outgoing.get("a"), "1");
        assert.ok(deadline <= context.deadline);
        return answer;
      })({ ...given, context }),
    );
  }),
  law("passes an error on as it is", async ({ ports, around, call }) => {
    const error = new StatusError("ABORTED", "try again", { reason: "CONFLICT" });
    await assert.rejects(ports.settle(around(() => Promise.reject(error))(call())), (thrown) => thrown === error);
  }),
  law("passes an error on that what it wraps throws at once", async ({ ports, around, call }) => {
    const error = new StatusError("ABORTED", "at once");
    const invoke = around(() => {
      throw error;
    });
    await assert.rejects(ports.settle(new Promise((resolve) => resolve(invoke(call())))), (thrown) => thrown === error);
  }),
  law("passes on that the call is cancelled", async ({ ports, around, call }) => {
    const given = call();
    const invoke = around((one) => new Promise((_, reject) => void one.context.onCancel((reason) => reject(reason))));
    const reply = invoke(given);
    given.context.cancel(new StatusError("CANCELLED", "enough"));
    await assert.rejects(ports.settle(reply), { code: "CANCELLED", message: "enough" });
  }),
  law("passes every message of a stream on, in order, to its end", async ({ ports, around, call }) => {
    let closed = 0;
    const end = streamed(numbers(50, () => closed++));
    const { response } = await ports.settle(around(end, Sample.methods.watch)(call(Sample.methods.watch)));
    assert.deepEqual(
      await ports.settle(read(response)),
      Array.from({ length: 50 }, (_, i) => `${i}`),
    );
    assert.equal(closed, 1);
  }),
  law("passes on an error in the middle of a stream", async ({ ports, around, call }) => {
    const error = new StatusError("DATA_LOSS", "gone");
    const source = (async function* () {
      yield { text: "0" };
      throw error;
    })();
    const { response } = await ports.settle(around(streamed(source), Sample.methods.watch)(call(Sample.methods.watch)));
    await assert.rejects(ports.settle(read(response)), (thrown) => thrown === error);
  }),
  law("closes a stream whose reader leaves early", async ({ ports, around, call }) => {
    let closed = 0;
    const end = streamed(numbers(50, () => closed++));
    const { response } = await ports.settle(around(end, Sample.methods.watch)(call(Sample.methods.watch)));
    assert.deepEqual(await ports.settle(read(response, 3)), ["0", "1", "2"]);
    assert.equal(closed, 1);
  }),
  law("passes a stream of requests on", async ({ ports, around, call }) => {
    const request = (async function* () {
      for (let number = 0; number < 3; number++) yield { key: "", number };
    })();
    const end: Invoker = async (one) => {
      const seen: number[] = [];
      for await (const { number } of one.request as AsyncIterable<{ readonly number: number }>) seen.push(number);
      return { ...answer, response: { text: seen.join() } };
    };
    const { response } = await ports.settle(around(end, Sample.methods.load)(call(Sample.methods.load, request)));
    assert.deepEqual(response, { text: "0,1,2" });
  }),
  law("lets events pass", async ({ ports, around, call }) => {
    let passed = 0;
    const end: Invoker = async () => {
      passed++;
      return { ...answer, response: undefined };
    };
    await ports.settle(around(end, SampleTopic.method)(call(SampleTopic.method)));
    assert.equal(passed, 1);
  }),
  law("keeps calls apart that run at the same time", async ({ ports, around, call }) => {
    const invoke = around(async (one) => {
      const { number } = one.request as { readonly number: number };
      await ports.timers.sleep(50 - number);
      return { ...answer, response: { text: `${number}` } };
    });
    const replies = Array.from({ length: 50 }, (_, number) => invoke(call(undefined, { key: "", number })));
    const texts = (await ports.settle(Promise.all(replies))).map(({ response }) => (response as { text: string }).text);
    assert.deepEqual(
      texts,
      Array.from({ length: 50 }, (_, number) => `${number}`),
    );
  }),
  law("leaves no timer behind when calls are over", async ({ ports, around, call }) => {
    await ports.settle(around(async () => answer)(call()));
    const error = new StatusError("ABORTED", "no");
    await assert.rejects(ports.settle(around(() => Promise.reject(error))(call())));
    await ports.advance(61_000);
    assert.equal(ports.pending, 0);
  }),
]);
